"""The executors of a Plan, and what holds them against independent methods."""
