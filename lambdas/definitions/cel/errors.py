"""What is wrong with an expression, and where.

PlatformError
├── ExpressionError  it is refused when it is written: the position and what is allowed
└── EvaluationError  it has no result for an event: an outcome of its own, never false
"""

from __future__ import annotations

from glue.errors import PlatformError


class ExpressionError(PlatformError):
    """An expression is refused. `offset`: of the error, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


class EvaluationError(PlatformError):
    """An expression has no result for these values."""
