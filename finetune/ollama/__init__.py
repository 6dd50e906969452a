"""A version on an Ollama server: taken in, tried, named, and taken out again."""
