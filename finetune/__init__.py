"""The learning loop; it imports ``storaiteller``, never the reverse."""
