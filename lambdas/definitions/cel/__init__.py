"""CEL: expressions checked when they are written, and evaluated as the stream evaluates them.

Why it is so: docs/adr/0028-definitions.md.
"""

from lambdas.definitions.cel.checking import Checked, Checker, fields
from lambdas.definitions.cel.errors import EvaluationError, ExpressionError

__all__ = ["Checked", "Checker", "EvaluationError", "ExpressionError", "fields"]
