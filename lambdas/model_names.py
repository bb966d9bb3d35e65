"""Every name of a use case's model, derived from the deployment and a version."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

LONGEST = 63  # of SageMaker's names
_REST = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Names:
    """Names in SageMaker and keys in the lake's bucket."""

    prefix: str
    use_case: str
    bucket: str

    @property
    def endpoint(self) -> str:
        """The endpoint; the package group has the same name."""
        return f"{self.prefix}-{self.use_case}"

    def resource(self, version: str, step: str = "") -> str:
        """A version's model and endpoint configuration; with `step`, one of its jobs."""
        name = "-".join(part for part in (self.endpoint, version, step) if part)
        if len(name) <= LONGEST:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return f"{name[: LONGEST - 17].rstrip('-')}-{digest}"

    @property
    def root(self) -> str:
        """The folder of all versions."""
        return f"models/{self.use_case}"

    @property
    def champion(self) -> str:
        """The pointer to the version that is in service."""
        return f"{self.root}/champion.json"

    def key(self, version: str, name: str) -> str:
        """A file of a version."""
        return f"{self.root}/{version}/{name}"

    def job_output(self, version: str, step: str) -> str:
        """Where SageMaker stores a job's model archive."""
        return f"{self.root}/jobs/{self.resource(version, step)}/output/model.tar.gz"

    def uri(self, key: str) -> str:
        """A key as an s3:// URI."""
        return f"s3://{self.bucket}/{key}"


def version_of(execution: str) -> str:
    """An execution's version: at most 40 lower case letters, digits and hyphens."""
    plain = _REST.sub("-", execution.lower()).strip("-")
    if plain == execution and len(plain) <= 40:
        return plain
    digest = hashlib.sha256(execution.encode()).hexdigest()[:8]
    return f"{plain[:31].rstrip('-')}-{digest}"
