"""Labels: the images to decide on, the decisions, and what they change."""
