"""Use cases of other shapes than the platform's own: each a folder, as an author writes it."""
