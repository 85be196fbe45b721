"""Model files: written for other programs, and read as a stranger's. Knows networks, not runs."""
