"""A seeded run of faults against the whole platform, and what has to be true after it.

`schedule`: which fault happens when. `accidents`: how each is made to happen. `flow`: generated
events through the public API, and their truth. `watch`: each answer while events flow. `truth`:
reports, lake and ledger at the end. `run`: all of it.

    make faults FAULTS=40 SEED=1      # on a platform of its own
"""
