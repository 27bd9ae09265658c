"""Parses words, prints, chooses exit codes. Decides nothing, opens no files and no sockets."""
