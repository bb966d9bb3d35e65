"""Compares what the door received in each minute with what became of it."""
