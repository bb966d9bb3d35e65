"""Sends actions to their destinations: decides once, then delivers at least once."""
