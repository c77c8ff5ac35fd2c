"""Mark a line that a learner derived: parse it, compute it, compare it, find its repair."""
