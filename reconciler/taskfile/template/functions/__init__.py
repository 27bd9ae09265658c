"""The functions that templates may call, by the kind of what they work on."""
