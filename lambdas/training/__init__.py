"""The steps of the retraining workflow, and what starts it. Every step can be repeated at any time.

All names (jobs, models, packages, configurations) are derived from the execution's name, so a
repeated step finds what it created before instead of creating it again.
"""
