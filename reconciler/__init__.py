"""Declarative reconciler for container image tasks: specs in Git, policy, plan, apply, run."""

__version__ = "0.1.0"
