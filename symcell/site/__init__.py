"""The book: a static site with a page for each cell, an index that sorts and searches, and a BibTeX entry for each source."""
