"""Result streams into tables: newest value of each key, poison to the dead letters."""
