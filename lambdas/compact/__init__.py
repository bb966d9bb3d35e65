"""Compaction of the lake: many small files of a closed hour become few large ones."""
