"""What runs: a network's equations as an ordered list of matrix operations, and their fusion."""
