"""Composition root: connects, and builds the objects that the routes are given."""
