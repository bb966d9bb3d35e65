"""Runs the emulator with parts of it replaced: one module per service, run as `python -m`.

The only package that imports the emulator. What it replaces is private there: it does not start
with another version than the one it was written for.
"""
