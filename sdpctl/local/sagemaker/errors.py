"""The errors of SageMaker's API, by the codes that callers catch."""

from __future__ import annotations

from sdpctl.errors import CommandError


class ApiError(CommandError):
    """An answer that is an error: `code` as in the API's reference, HTTP status, message."""

    def __init__(self, code: str, message: str, status: int = 400, **more: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.more = more


def invalid(message: str) -> ApiError:
    """What SageMaker says of most mistakes, and of most names that it does not know."""
    return ApiError("ValidationException", message)


def in_use(message: str) -> ApiError:
    """The name is taken."""
    return ApiError("ResourceInUse", message)
