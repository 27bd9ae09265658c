"""The only doors to processes, files, secrets, container engines, Git and registries. No judging."""
