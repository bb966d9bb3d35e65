"""Constructs: each owns its resources and takes everything else as keyword arguments."""
