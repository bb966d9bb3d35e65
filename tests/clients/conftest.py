"""Collected only where the clients are installed; the lake is named by the AWS variables."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("pyathena") is None:
    collect_ignore_glob = ["test_*.py"]
