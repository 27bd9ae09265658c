"""Go templates as task files use them: text to tree to text; knows no task file."""
