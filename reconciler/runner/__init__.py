"""Does one run, from its first line to its outcome. Knows no database, no docker and no plan."""
