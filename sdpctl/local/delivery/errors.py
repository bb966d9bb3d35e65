"""What stops a delivery; nothing is lost by it, because the position does not move.

DeliveryError
├── UnsupportedColumn
├── UnsupportedFormat
└── PrefixError
"""

from __future__ import annotations

from sdpctl.errors import CommandError


class DeliveryError(CommandError):
    """A delivery stream is described in a way that cannot be delivered."""


class UnsupportedColumn(DeliveryError):
    """A Glue column has a type that no definition renders."""


class UnsupportedFormat(DeliveryError):
    """A conversion, or its timestamp format, that is not known here."""


class PrefixError(DeliveryError):
    """An S3 prefix has an expression that cannot be evaluated."""
