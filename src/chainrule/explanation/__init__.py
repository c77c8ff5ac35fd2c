"""Explanations: one step of training with its numbers, as a document."""
