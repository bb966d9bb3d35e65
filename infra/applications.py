"""The Flink applications of a deployment: which use cases each of them runs.

Each use case has an application of its own, named by it. The setting `applications` gives one
another name, or puts several into one. May not import aws_cdk: commands read by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from glue.errors import ParameterError

# The application of deployments that had one for all use cases.
FIRST = "analytics"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# A setting of one application is written like `NAME.flinkParallelism`.
_SCOPED = re.compile(r"([a-z][a-z0-9_-]*)\.([a-z][A-Za-z0-9]*)")
_FORM = (
    "must be NAME=use_case or NAME=use_case+use_case, several separated by commas; a name has 1 to "
    "40 lower case letters, digits, hyphens and underscores, a letter first"
)


@dataclass(frozen=True)
class Application:
    """One Flink application: its name without the deployment's prefix, and its use cases."""

    name: str
    use_cases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}={'+'.join(self.use_cases)}"


def one_each(use_cases: Iterable[str]) -> tuple[Application, ...]:
    """An application for each use case."""
    return tuple(Application(name, (name,)) for name in use_cases)


def to_text(applications: Iterable[Application]) -> str:
    """All applications, as `parse` takes them."""
    return ",".join(map(str, applications))


def parse(text: str, deployed: Sequence[str], known: Sequence[str] = ()) -> tuple[Application, ...]:
    """Every application of the deployed use cases, in their order; those in `text` as it says.

    `known` are the use cases that could be deployed. Raises ValueError with what is wrong.
    """
    named = [_application(part) for part in text.replace(",", " ").split()]
    _check_use_cases(named, deployed, known)
    owners = {use_case: a for a in named for use_case in a.use_cases}
    own = [owners.get(name, Application(name, (name,))) for name in deployed]
    applications = tuple(dict.fromkeys(own))
    for name in _repeated(a.name for a in applications):
        raise ValueError(f"two applications would be named {name!r}: choose another name")
    return applications


def _application(text: str) -> Application:
    name, _, members = text.partition("=")
    use_cases = tuple(members.split("+"))
    if not _NAME.fullmatch(name) or not all(use_cases):
        raise ValueError(_FORM)
    return Application(name, use_cases)


def _check_use_cases(
    named: Sequence[Application], deployed: Sequence[str], known: Sequence[str]
) -> None:
    members = [use_case for application in named for use_case in application.use_cases]
    for use_case in members:
        if use_case not in {*deployed, *known}:
            choices = ", ".join(dict.fromkeys((*deployed, *known)))
            raise ValueError(f"use case {use_case!r} is not in the catalog; use cases: {choices}")
        if use_case not in deployed:
            raise ValueError(
                f"use case {use_case!r} is not deployed: add it to useCases, now "
                f"{', '.join(deployed)}, or remove it here"
            )
    for use_case in _repeated(members):
        raise ValueError(f"use case {use_case!r} is named twice; it runs in one application")


def _repeated(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def check_scoped(
    keys: Iterable[str],
    applications: Sequence[Application],
    settings: Iterable[str],
    known: Sequence[str],
) -> None:
    """ParameterError for a key `NAME.setting` that no application has.

    `settings` are those that an application may have of its own. A use case of `known` that is not
    deployed may have settings: cdk.json has those of every use case.
    """
    allowed = sorted(settings)
    owners = {use_case: a.name for a in applications for use_case in a.use_cases}
    for key in keys:
        if not (match := _SCOPED.fullmatch(key)):
            continue
        name, setting = match.groups()
        if setting not in allowed:
            raise ParameterError(
                f"{key}: not a setting of one application; those are {', '.join(allowed)}"
            )
        if name in {a.name for a in applications}:
            continue
        if name in owners:
            raise ParameterError(
                f"{key}: the use case {name!r} runs in the application {owners[name]!r}; set "
                f"{owners[name]}.{setting}"
            )
        if name not in known:
            names = ", ".join(a.name for a in applications)
            raise ParameterError(f"{key}: unknown application; applications: {names}")


def is_scoped(key: str) -> bool:
    """Whether a deployment's key is written like a setting of one application."""
    return bool(_SCOPED.fullmatch(key))


@dataclass(frozen=True)
class Scale:
    """Parallel subtasks of an application's job; with `autoscaling` only the initial number."""

    parallelism: int = 2
    parallelism_per_kpu: int = 1
    autoscaling: bool = True
