"""Dockerfiles: text to instructions, stages and the images they need; knows no task file."""
