"""Ingestion: events in over HTTP, accepted only once the stream has them."""
