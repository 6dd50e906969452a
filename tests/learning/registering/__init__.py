"""What was learned becomes a version that stands, whatever Ollama makes of it."""
