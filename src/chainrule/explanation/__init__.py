"""Pages: what a network did with given numbers, told line by line."""
