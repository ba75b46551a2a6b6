"""Source text that the emitter pastes into every generated module; each file imports only NumPy and Numba."""
