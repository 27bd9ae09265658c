"""What works here: engines, builders, platforms, registries, secrets, tokens, state."""
