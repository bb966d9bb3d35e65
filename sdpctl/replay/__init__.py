"""Reports computed again from the retained streams: the same run as a backfill's, another source.

What is read, what is left out and why is in docs/adr/0039-replay.md.
"""
