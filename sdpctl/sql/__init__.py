"""Queries in Athena: asked, waited for, read, shown; and those that a use case has saved."""
