"""Queries in Athena: run, read and show them; and the saved queries of a use case."""
