"""Predictions over HTTP: validated, answered by the endpoint, or by the champion's fallback."""
