"""The headers of a Standard Webhook: https://www.standardwebhooks.com, specification 1.0.

Its own library signs. While two keys are valid there are two signatures, so that receivers can
change their key at any moment between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from standardwebhooks.webhooks import Webhook

ID_LENGTH = 256
# What a header's value may have without being read differently; `%` is the escape itself.
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


def headers(keys: Sequence[str], id_: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of an attempt at this time (UTC)."""
    name = webhook_id(id_)
    signatures = [Webhook(key).sign(name, at, body) for key in keys]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def webhook_id(id_: str) -> str:
    """The action's id; characters that no header may have are percent-encoded, in UTF-8.

    An id that is too long for a header is replaced by its SHA-256. Different ids stay different.
    """
    encoded = quote(id_, safe=_PLAIN)
    if len(encoded) <= ID_LENGTH:
        return encoded
    return f"%sha256-{hashlib.sha256(id_.encode()).hexdigest()}"
