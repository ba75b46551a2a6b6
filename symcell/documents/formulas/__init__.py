"""Formulas in LaTeX as trees: parsed, measured, and broken into lines."""
