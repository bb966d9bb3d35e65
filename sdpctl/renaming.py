"""The archive of a model under the name of the run that evaluates it.

A model has its version in every answer, and a release is tried by it. May not change what is
scored.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from features.archives import UNREADABLE, whole
from ml.artifact import ARCHIVE, FALLBACK, GRAPH, METADATA

VERSION = "model_version"


def renamed(archive: Path, version: str, folder: Path) -> Path:
    """A copy of the archive in the folder, with that version wherever a model has one.

    What cannot be read stays as it is: the gate refuses it with the reason.
    """
    path = folder / ARCHIVE
    try:
        with whole(archive) as given, tarfile.open(path, "w:gz") as made:
            for member in given:
                content = given.extractfile(member) if member.isfile() else None
                if content is None:
                    made.addfile(member)
                    continue
                data = _with_version(member.name.removeprefix("./"), content.read(), version)
                member.size = len(data)
                made.addfile(member, io.BytesIO(data))
    except UNREADABLE:
        return archive
    return path


def _with_version(name: str, data: bytes, version: str) -> bytes:
    change = _CHANGES.get(name)
    try:
        return change(data, version) if change else data
    except (ValueError, DecodeError):
        return data


def _in_json(data: bytes, version: str) -> bytes:
    document = json.loads(data)
    if not isinstance(document, dict) or VERSION not in document:
        return data
    return json.dumps(document | {VERSION: version}, indent=1, sort_keys=True).encode() + b"\n"


def _in_graph(data: bytes, version: str) -> bytes:
    graph = onnx.load_model_from_string(data)
    properties = {p.key: p.value for p in graph.metadata_props}
    if VERSION not in properties:
        return data
    helper.set_model_props(graph, properties | {VERSION: version})
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


_CHANGES: dict[str, Callable[[bytes, str], bytes]] = {
    FALLBACK: _in_json,
    METADATA: _in_json,
    GRAPH: _in_graph,
}
