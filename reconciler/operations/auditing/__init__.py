"""Declared and live tasks judged by the policies, for an auditor."""
