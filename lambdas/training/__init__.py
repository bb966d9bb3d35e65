"""The retraining workflow's steps, and what starts it. Each step may run again at any time.

All names (jobs, models, packages, configurations) follow from the execution's name, so a step that
is repeated finds what it made before instead of making it again.
"""
