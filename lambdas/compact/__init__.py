"""Compaction of the lake: merges the small files of a closed hour into a few large ones."""
