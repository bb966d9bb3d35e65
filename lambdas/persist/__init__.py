"""Writes result streams into tables, the newest value per key; the rest to the dead letters."""
