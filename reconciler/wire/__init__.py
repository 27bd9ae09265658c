"""Bytes of other services to our models and back. Pure: no file, no network, no clock."""
