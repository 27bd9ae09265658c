"""The daemon: its worker, timers, hooks and watch, wired to this workspace."""
