"""Images of digits: grids, one in detail, the gallery, pickers."""
