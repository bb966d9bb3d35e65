"""Puts the page's files into its bucket, as a custom resource of its deployment."""
