"""What would run and what it stands on; executes nothing."""
