"""Whether a schema may follow the one that was released: only additions may.

Senders, readers and stored rows of the released schema must all go on working. Both schemas are
given as JSON Schema, the form in which released ones are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glue.errors import CompatibilityError
from glue.types import Fold

Json = dict[str, Any]
_LIMITS = {"minimum": 1, "minLength": 1, "maximum": -1, "maxLength": -1}


def check(released: Json, current: Json | None) -> None:
    """Raise CompatibilityError with every change that is not additive, and what to do instead."""
    name = released["title"]
    if current is None:
        raise CompatibilityError(f"{name}: was removed; keep it, nobody has to use it")
    changes = [f"{name}{problem}" for problem in problems(released, current)]
    if changes:
        raise CompatibilityError("\n".join(changes))


def problems(released: Json, current: Json) -> Iterator[str]:
    """Each change that old senders, readers or rows cannot bear."""
    for member in ("x-kind", "x-stream", "x-key", "x-type", "x-path", "x-period"):
        old, new = released.get(member), current.get(member)
        if old != new:
            word = member.removeprefix("x-")
            yield f": {word} changed from {old!r} to {new!r}; declare a new class beside this one"
    before, after = _folds(released), _folds(current)
    for name in sorted(released["properties"]):
        if (old := before.get(name, Fold.SUM)) != (new := after.get(name, Fold.SUM)):
            words = (_word(fold) for fold in (old, new))
            yield f".{name}: changed from {' to '.join(words)}; add another field instead"
    for alias in released.get("x-aliases", []):
        if alias not in (*current.get("x-aliases", []), current.get("x-type")):
            yield f": alias {alias!r} was removed; keep it, senders use it"
    yield from _fields(released, current, "")


def _word(fold: Fold) -> str:
    return "a latest value" if fold is Fold.LATEST else f"a {fold}"


def _folds(schema: Json) -> dict[str, Fold]:
    return {name: fold for fold in Fold for name in schema.get(f"x-{fold}", [])}


def _fields(released: Json, current: Json, prefix: str) -> Iterator[str]:
    old, new = released["properties"], current["properties"]
    for name in {**old, **new}:
        where = f"{prefix}.{name}"
        if name not in new:
            yield f"{where}: was removed; keep it, or declare a new class without it"
        elif name not in old:
            if name in current["required"]:
                yield f"{where}: is new and required; make it optional (`| None = None`)"
        else:
            yield from _field(old[name], new[name], where)
            yield from _presence(name in released["required"], name in current["required"], where)


def _presence(was: bool, now: bool, where: str) -> Iterator[str]:
    if now and not was:
        yield f"{where}: became required; keep it optional, old senders leave it out"
    if was and not now:
        yield f"{where}: became optional; keep it required, readers rely on it"


def _field(old: Json, new: Json, where: str) -> Iterator[str]:
    kinds = [(f["type"], f.get("format")) for f in (old, new)]
    if kinds[0] != kinds[1]:
        before, after = (" ".join(filter(None, kind)) for kind in kinds)
        yield f"{where}: type changed from {before} to {after}; add a new optional field instead"
        return
    for limit, sign in _LIMITS.items():
        if limit in new and (limit not in old or sign * new[limit] > sign * old[limit]):
            was = old.get(limit, "none")
            yield f"{where}: {limit} narrowed from {was} to {new[limit]}; keep the released limit"
    if old["type"] == "object":
        yield from _fields(old, new, where)
