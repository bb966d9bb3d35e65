"""The packaged code of a deployment; an error about a missing part has the build command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glue import state
from glue.errors import PlatformError
from glue.state import Operators


class AssetError(PlatformError):
    """Packaged code is missing."""


@dataclass(frozen=True)
class Assets:
    """`functions` is the folder that Lambda functions run from, `analytics` the Flink zip.

    `lake` is the folder of the functions that read and write the lake's files, `models` that of
    the source archives of training jobs, one per use case with a model. `state` is the file with
    the operators of each use case that have state. `definitions` is the folder of the function
    behind the definitions' API. `page` is the folder of the page's files.
    """

    functions: Path
    analytics: Path
    lake: Path
    models: Path
    state: Path
    definitions: Path
    page: Path

    def __post_init__(self) -> None:
        for folder in (self.functions, self.lake, self.definitions, self.page):
            if not folder.is_dir():
                raise AssetError(f"{folder} is missing; build it with 'make build'")
        if not self.models.is_dir():
            raise AssetError(f"{self.models} is missing; build it with 'make build'")
        for file in (self.analytics, self.state):
            if not file.is_file():
                raise AssetError(f"{file} is missing; build it with 'make build'")

    def operators(self, use_cases: Iterable[str]) -> Operators:
        """The operators of these use cases that have state."""
        built = state.read(self.state)
        return {name: built[name] for name in use_cases if name in built}

    @classmethod
    def built(cls, root: Path) -> Assets:
        """The assets at the build's default paths under the repository's root."""
        build = root / "build"
        return cls(
            build / "lambdas/bundle",
            build / "analytics.zip",
            build / "lambdas/lake",
            build / "ml",
            build / "state.json",
            build / "lambdas/definitions",
            build / "dashboard",
        )
