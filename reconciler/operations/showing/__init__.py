"""What is there: tasks, differences of registries, the graph."""
