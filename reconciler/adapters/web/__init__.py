"""The doors to servers: downloads, registries, and what their silence means."""
