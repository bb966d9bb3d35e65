"""Stacks by purpose: they wire constructs to each other and grant."""
