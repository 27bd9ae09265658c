"""Results to text and files of every format. Reads no files, calls no network, decides nothing."""
