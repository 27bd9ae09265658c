"""The only doors to processes, files, secrets, engines, Git and registries. They judge nothing."""
