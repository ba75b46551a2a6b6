"""Schedule -> source: the Python text of a self-contained module."""
