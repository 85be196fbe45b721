"""Parts of the pages about a learner's own implementation."""
