"""Training itself, in a process of its own: the model with its adapter, the loop, the libraries."""
