"""How good a version is: what is measured of it, and what it has to pass."""
