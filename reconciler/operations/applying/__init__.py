"""A plan becomes live tasks: lock, recheck, write, journal, resume."""
