"""A whole task file: what is done to its text before its YAML is read, and in which order."""
