"""The mistakes that people make, one record each, a file for each part of the recipe; `table` has them all."""
