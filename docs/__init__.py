"""Pages for readers, and the programs that write into them what code prints, and draw their pictures."""
