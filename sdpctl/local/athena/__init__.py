"""Athena's query engine on one machine: DuckDB over the files that the Glue tables name.

Runs inside the emulator's process (see `sdpctl.local.launcher.athena`), whose environment has
DuckDB and little else: the standard library and duckdb are all that these modules may import.
"""
