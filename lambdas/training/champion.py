"""The pointer to the model in service: one small object, replaced as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names


@dataclass(frozen=True)
class Champion:
    """`config`: the endpoint configuration. `fallback`: the key of the model that replaces it."""

    version: str
    config: str
    package_arn: str
    fallback: str
    promoted_at: str
    previous: str | None = None


def read(objects: Objects, names: Names) -> Champion | None:
    """The champion; None before the first promotion."""
    stored = content(objects, names.champion)
    return None if stored is None else Champion(**json.loads(stored))


def write(objects: Objects, names: Names, champion: Champion) -> None:
    """Replace it."""
    body = json.dumps(asdict(champion), indent=1).encode()
    objects.write(names.champion, body, "application/json")
