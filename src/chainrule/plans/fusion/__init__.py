"""Fusion: the Plan rewritten as kernels, each one pass over what it reads."""
