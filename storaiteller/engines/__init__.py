"""Engines: one adapter for each thing that can run a model."""
