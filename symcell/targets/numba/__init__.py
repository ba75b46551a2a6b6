"""Numba: elementwise code as index loops over buffers, matrix products as calls of the runtime."""
