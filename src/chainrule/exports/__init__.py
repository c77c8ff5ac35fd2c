"""Models as programs in other languages: one list of steps, and a writer for each language."""
