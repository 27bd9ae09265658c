"""The doors to a container engine, through docker-py: images, containers, volumes."""
