"""The commands of the command line, what they print and what they work on."""
