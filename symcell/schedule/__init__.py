"""Derivation -> Program -> Schedule: what to compute when, in which loop, and in which memory."""
