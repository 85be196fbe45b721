"""Runs: picked, listed, compared, deleted, exported."""
