"""Derivations: what is derived, in which order it is shown, and the check of every line."""
