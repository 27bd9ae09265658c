"""From a task or a file to a run, and what is left of one."""
