"""The archive of a PMML file that cannot be evaluated exactly: the file, and why not.

The gate finds no model in it, but the reason, and refuses it with that.
"""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from ml.artifact import ARCHIVE, REFUSAL, write_json
from ml.pmml.elements import PmmlError

FILE = "model.pmml"


def archive(content: bytes, error: PmmlError, folder: Path) -> Path:
    """A `model.tar.gz` in the folder, for the gate."""
    inside = folder / "refused"
    inside.mkdir(parents=True)
    (inside / FILE).write_bytes(content)
    reason = f"the PMML file cannot be evaluated exactly: {error}"
    sha256 = hashlib.sha256(content).hexdigest()
    write_json(inside / REFUSAL, {"reason": reason, "imported": {"form": "PMML", "sha256": sha256}})
    path = folder / ARCHIVE
    with tarfile.open(path, "w:gz") as tar:
        tar.add(inside, arcname=".")
    return path
