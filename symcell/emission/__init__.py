"""Schedule -> source: Python text, and the files it goes to."""
