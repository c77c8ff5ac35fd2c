"""The command line: verbs, help texts and what people see; no logic."""
