"""The sections of a document, each a function from a Derivation to a Section."""
