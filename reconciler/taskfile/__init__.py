"""Bytes to models for ACR task YAML and Dockerfiles; opens no file and no socket."""
