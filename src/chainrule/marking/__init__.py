"""A learner's own line: read by a whitelist, computed, compared with the truth, and repaired."""
