"""Specs, policies and stored tasks, read once and checked."""
