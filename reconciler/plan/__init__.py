"""Compares declared, last applied and live tasks. Pure: touches no machine, knows no policy."""
