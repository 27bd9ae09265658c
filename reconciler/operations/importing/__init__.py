"""Live tasks become spec files."""
