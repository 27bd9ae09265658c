"""Read and write live tasks, one module for each service. Knows nothing of plans or runs."""
