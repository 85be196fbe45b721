"""A run as a folder: read, written, packed, deleted. Starts no process."""
