"""StorAIteller: a story-writing app for language models that run on the writer's own machine."""

__version__ = "0.1.0"
