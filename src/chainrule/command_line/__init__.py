"""The command line: verbs, help texts and printed output; no computation."""
