"""Weights in files, without torch: GGUF, safetensors, and the kinds of numbers in them."""
