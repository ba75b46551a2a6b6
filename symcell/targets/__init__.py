"""A target turns a Program into the text of a module: one folder each, with one entry, `emit(program) -> text`."""
