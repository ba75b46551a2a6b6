"""Source text that the emitter pastes into every generated module; each file imports only NumPy, Numba, the standard
library, and what it needs of the others."""
