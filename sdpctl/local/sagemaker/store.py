"""Documents on disk, one file each, held in memory as well: the state that outlives a restart."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

Document = dict[str, Any]


class Closed(Exception):
    """The stand-in is ending: what is under way goes on when it runs again."""


class Store:
    """Documents by kind and name; each call is atomic, what it returns is a copy.

    Calls that write raise Closed once the store is closed, and OSError where the disk does.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._closed = False
        self._kinds: dict[str, dict[str, Document]] = {}
        for path in sorted(folder.glob("*/*.json")):
            document = json.loads(path.read_text())
            self._kinds.setdefault(path.parent.name, {})[document["name"]] = document["content"]

    def get(self, kind: str, name: str) -> Document | None:
        """The document, if there is one."""
        with self._lock:
            document = self._kinds.get(kind, {}).get(name)
            return None if document is None else dict(document)

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind, in the order they were first put."""
        with self._lock:
            return [dict(document) for document in self._kinds.get(kind, {}).values()]

    def put(self, kind: str, name: str, document: Mapping[str, Any]) -> None:
        """Write the document whole."""
        path = self._path(kind, name)
        with self._lock:
            self._require_open()
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({"name": name, "content": document}, indent=1))
            fresh.replace(path)
            self._kinds.setdefault(kind, {})[name] = dict(document)

    def change(self, kind: str, name: str, **facts: Any) -> Document:
        """Set some of its members; the document as it is then. KeyError if there is none."""
        with self._lock:
            document = {**self._kinds[kind][name], **facts}
            self.put(kind, name, document)
            return dict(document)

    def create(self, kind: str, name: str, document: Mapping[str, Any]) -> bool:
        """Put it unless there is one of that name; whether it was put."""
        with self._lock:
            if name in self._kinds.get(kind, {}):
                return False
            self.put(kind, name, document)
            return True

    def delete(self, kind: str, name: str) -> bool:
        """Remove it; whether it was there."""
        with self._lock:
            self._require_open()
            self._path(kind, name).unlink(missing_ok=True)
            return self._kinds.get(kind, {}).pop(name, None) is not None

    def close(self) -> None:
        """Keep the documents as they are now: whoever is still at work can change none."""
        with self._lock:
            self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise Closed

    def _path(self, kind: str, name: str) -> Path:
        return self._folder / kind / f"{quote(name, safe='')}.json"
