"""Estimators for scikit-learn: its networks' numbers, from the compiled core."""
