"""Graphs of nodes: checked, compiled, compared; the inputs that they have."""
