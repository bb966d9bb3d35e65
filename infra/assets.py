"""The packaged code of a deployment; an error about a missing part has the build command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glue.errors import PlatformError


class AssetError(PlatformError):
    """Packaged code is missing."""


@dataclass(frozen=True)
class Assets:
    """`functions` is the folder that Lambda functions run from, `analytics` the Flink zip.

    `lake` is the folder of the functions that read and write the lake's files, `models` that of
    the source archives of training jobs, one per use case with a model.
    """

    functions: Path
    analytics: Path
    lake: Path
    models: Path

    def __post_init__(self) -> None:
        for folder in (self.functions, self.lake):
            if not folder.is_dir():
                raise AssetError(f"{folder} is missing; build it with 'make build'")
        if not self.models.is_dir():
            raise AssetError(f"{self.models} is missing; build it with 'make build'")
        if not self.analytics.is_file():
            raise AssetError(f"{self.analytics} is missing; build it with 'make build'")

    @classmethod
    def built(cls, root: Path) -> Assets:
        """The assets at the build's default paths under the repository's root."""
        lambdas = root / "build/lambdas"
        return cls(
            lambdas / "bundle", root / "build/analytics.zip", lambdas / "lake", root / "build/ml"
        )
