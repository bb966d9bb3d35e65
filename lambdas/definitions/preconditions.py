"""If-Match and If-None-Match (RFC 9110, section 13.1): a version's entity tag is its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lambdas.definitions.problems import PreconditionFailed
from lambdas.http.queries import BadParameter
from lambdas.ports.definitions import Version

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
ANY = "*"


def etag(version: Version) -> str:
    """The entity tag of a version."""
    return f'"{version.version}"'


@dataclass(frozen=True)
class Precondition:
    """What the newest version must be, and must not be; None: anything."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Precondition:
        """From a request's headers. Raises BadParameter if it is not an entity tag."""
        return cls(
            _tags("If-Match", headers.get("if-match"), strong=True),
            _tags("If-None-Match", headers.get("if-none-match"), strong=False),
        )

    def check(self, present: Version | None) -> None:
        """Raises PreconditionFailed; `present` is the newest version, None if there is none."""
        if self.match is not None and not _matches(self.match, present):
            raise PreconditionFailed(f"If-Match: {_state(present)}; read it again, then change it")
        if self.none_match is not None and _matches(self.none_match, present):
            raise PreconditionFailed(f"If-None-Match: {_state(present)}")

    def is_known(self, version: Version) -> bool:
        """Whether the caller of GET has this version already."""
        return self.none_match is not None and _matches(self.none_match, version)


def _matches(tags: frozenset[str], present: Version | None) -> bool:
    return present is not None and (ANY in tags or str(present.version) in tags)


def _state(present: Version | None) -> str:
    return "there is no such definition" if present is None else f"its tag is {etag(present)}"


def _tags(header: str, value: str | None, *, strong: bool) -> frozenset[str] | None:
    if value is None:
        return None
    if value.strip() == ANY:
        return frozenset({ANY})
    tags = []
    for part in value.split(","):
        tag = _TAG.fullmatch(part.strip())
        if tag is None:
            raise BadParameter(header, f'{part.strip()[:60]!r} is no entity tag, as "3" is')
        if not (strong and tag[1]):  # a weak tag never matches strongly
            tags.append(tag[2])
    return frozenset(tags)
