"""Declaration -> Derivation: forward rows, adjoints by a reverse sweep, step Jacobians."""
