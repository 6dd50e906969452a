"""What a night came to, as a page: the figures in words and pictures."""
