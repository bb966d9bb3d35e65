"""Reports computed again from the lake: the packaged application over a range of the past."""
