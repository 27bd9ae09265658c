"""Archives in both directions: packed without following links, unpacked without trust."""
