"""What the targets of array libraries share: expressions and tables as text, in the words of one library."""
