"""The built-in rules, one subject per file. A rule reads one task and never anything else."""
