"""Builds what the documentation does not state by hand: gallery, reference, formulas."""
