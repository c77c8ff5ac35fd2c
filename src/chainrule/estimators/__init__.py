"""Estimators for scikit-learn: the results of its networks, computed by the compiled core."""
