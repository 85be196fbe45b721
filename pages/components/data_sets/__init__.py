"""Where data is chosen: published sets by name, and files of any format; each is shown before it is taken."""
