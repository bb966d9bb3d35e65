"""What a thing may do, by a policy of AWS IoT Core as the control plane describes it.

On this machine a client with the API key is the thing of its client id, as a device with a
certificate is on AWS: it must connect under its own name. The first attached policy decides.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = "${iot:Connection.Thing.ThingName}"
_ATTACHED = {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}


@dataclass(frozen=True)
class Policy:
    """The statements of one policy."""

    statements: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, document: str) -> Policy:
        """A policy document. Raises ValueError for a statement that the broker cannot apply."""
        statements = json.loads(document)["Statement"]
        for statement in statements:
            condition = statement.get("Condition")
            if statement["Effect"] != "Allow" or condition not in (None, _ATTACHED):
                raise ValueError(f"a statement that is not evaluated here: {statement}")
        return cls(tuple(statements))

    def allows(self, action: str, kind: str, name: str, thing: str) -> bool:
        """Whether the thing may do it: `iot:Publish` to the `topic` of that name, say."""
        return any(
            action in _listed(statement["Action"])
            and any(_covers(r, f"{kind}/{name}", thing) for r in _listed(statement["Resource"]))
            for statement in self.statements
        )


def _covers(resource: str, wanted: str, thing: str) -> bool:
    """Whether an ARN with wildcards is of that resource; a thing's name has no wildcards."""
    pattern = resource.split(":", 5)[-1].replace(_VARIABLE, thing)
    return fnmatch.fnmatchcase(wanted, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
