"""Judging tasks: built-in rules, their use in a workspace, waivers. Pure: no file, no machine."""
