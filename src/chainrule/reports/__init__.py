"""Reports: a page about a training run, what it is worth and why, and pages that compare runs."""
