"""The packaged code a deployment needs; what is absent is named with the command that builds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glue.errors import PlatformError


class AssetError(PlatformError):
    """Packaged code is absent."""


@dataclass(frozen=True)
class Assets:
    """`functions` is the folder all Lambda functions run from, `analytics` the Flink zip."""

    functions: Path
    analytics: Path

    def __post_init__(self) -> None:
        if not self.functions.is_dir():
            raise AssetError(f"{self.functions} is absent; build it with: python -m lambdas.bundle")
        if not self.analytics.is_file():
            raise AssetError(f"{self.analytics} is absent; build it with: ./sdp package")

    @classmethod
    def built(cls, root: Path) -> Assets:
        """The assets where the build leaves them below the repository's root."""
        return cls(root / "build/lambdas/bundle", root / "build/analytics.zip")
