"""What to compute and when, at the level of arrays: a Program, and the passes that improve it."""
