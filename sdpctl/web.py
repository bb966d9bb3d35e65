"""HTTP to the platform's own services."""

from __future__ import annotations

from functools import cache

import httpx


@cache
def client() -> httpx.Client:
    """One client for all: making one reads the certificates, which takes longer than ten requests.

    It keeps no connection open, because the services that it calls are restarted.
    """
    return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
