"""From a row to a score: what a model sees of a row, as vectors, and what scores them.

One code path for training, endpoint, functions and streams. It travels with a model into
containers whose Python may be 3.10 and has nothing installed for us: standard library only, and
no other package of the platform.
"""
