"""What the tests share: oracles, random and malformed declarations, and their calls."""
