"""The YAML of a task file: text to nodes, and the fields of a map by kind; knows no key."""
