"""What the ledger counts: of each minute of receipt the records read, and what became of them.

`sdp.ledger.Counted` is the same in the Flink application.
"""

from __future__ import annotations

READ = "read"
REDELIVERED = "redelivered"
OUTCOMES = ("counted", "duplicate", "late", "unmatched", "malformed", "filtered")
"""What becomes of a record: exactly one of them, when it is decided."""
COUNTS = (READ, *OUTCOMES, REDELIVERED)
"""The columns of `outcomes`, the view or table of a pipeline, beside `minute` (epoch seconds).

`redelivered` are further copies of a record, which the platform itself has stored twice; they are
read, and have no other outcome.
"""
