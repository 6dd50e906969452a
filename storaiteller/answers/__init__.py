"""What is kept of a model's answer: from an engine's stream to a story, a passage, a title or a word."""
