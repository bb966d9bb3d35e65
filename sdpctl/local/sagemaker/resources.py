"""What all resources have in common: ARNs, times, and lists by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sdpctl.clock import now
from sdpctl.local.sagemaker.store import Document


@dataclass(frozen=True)
class Account:
    """Whose resources these are."""

    region: str
    account: str

    def arn(self, kind: str, name: str) -> str:
        """The resource's ARN."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"


def moment() -> float:
    """Now, as the protocol has it: epoch seconds."""
    return round(now().timestamp(), 3)


def page(
    documents: Iterable[Document], request: Document, member: str, summary: Callable[..., Document]
) -> Document:
    """The response of a List call: newest first by default, `MaxResults` per page."""
    newest_first = request.get("SortOrder", "Descending") == "Descending"
    ordered = sorted(documents, key=lambda d: d["CreationTime"], reverse=newest_first)
    first, size = int(request.get("NextToken") or 0), int(request.get("MaxResults") or 100)
    answer: Document = {member: [summary(d) for d in ordered[first : first + size]]}
    if len(ordered) > first + size:
        answer["NextToken"] = str(first + size)
    return answer


def only(document: Document, *names: str) -> Document:
    """These members of a document, as far as it has them."""
    return {name: document[name] for name in names if name in document}
