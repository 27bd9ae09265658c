"""How much of a plan is told: counts and dangers, what a reviewer needs, or everything."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """`summary`: a line for each task. `default`: what changes. `full`: whole values, every why."""

    SUMMARY = "summary"
    DEFAULT = "default"
    FULL = "full"
