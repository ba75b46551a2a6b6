"""Skeletons of what symcell writes; all decisions are made in Python."""
