"""What an apply would do, why, and in which order."""
