"""The nodes of a task file to its steps and what they share; expands no alias and no template."""
