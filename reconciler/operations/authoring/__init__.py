"""What a person who writes specs asks for: a start, layout, schema, the meaning of a field."""
