"""Processes that work on run folders. They share nothing with the dashboard but the folder."""
