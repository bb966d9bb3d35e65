"""Reports over HTTP: totals of a key, and calendar periods in any time zone."""
