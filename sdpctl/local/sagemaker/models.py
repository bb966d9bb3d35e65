"""Models and endpoint configurations: documents that endpoints are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sdpctl.local.sagemaker.errors import invalid
from sdpctl.local.sagemaker.resources import Account, moment, only, page
from sdpctl.local.sagemaker.store import Document, Store


class Kind(NamedTuple):
    """How a kind of document is called in requests, answers and messages."""

    kind: str
    noun: str
    plural: str

    @property
    def name(self) -> str:
        """The member that holds its name."""
        return f"{self.noun}Name"

    @property
    def arn(self) -> str:
        """The member that holds its ARN."""
        return f"{self.noun}Arn"


MODEL = Kind("model", "Model", "Models")
CONFIG = Kind("endpoint-config", "EndpointConfig", "EndpointConfigs")


class Models:
    """Create, describe, list and delete."""

    def __init__(self, store: Store, account: Account) -> None:
        self._store, self._account = store, account

    @property
    def calls(self) -> dict[str, Callable[[Document], Document]]:
        """By their names in the API."""
        calls: dict[str, Callable[[Document], Document]] = {}
        for kind in (MODEL, CONFIG):
            calls[f"Create{kind.noun}"] = self._bound(self._create, kind)
            calls[f"Describe{kind.noun}"] = self._bound(self._describe, kind)
            calls[f"Delete{kind.noun}"] = self._bound(self._delete, kind)
            calls[f"List{kind.plural}"] = self._bound(self._list, kind)
        return calls

    def _bound(
        self, call: Callable[[Kind, Document], Document], kind: Kind
    ) -> Callable[[Document], Document]:
        return lambda request: call(kind, request)

    def _create(self, kind: Kind, request: Document) -> Document:
        name = request[kind.name]
        if kind is CONFIG:
            self._check_models(request)
        arn = self._account.arn(kind.kind, name)
        if not self._store.create(
            kind.kind, name, {**request, kind.arn: arn, "CreationTime": moment()}
        ):
            raise invalid(f"Cannot create already existing {kind.kind.replace('-', ' ')} {arn!r}.")
        return {kind.arn: arn}

    def _check_models(self, request: Document) -> None:
        for variant in request.get("ProductionVariants", []):
            if self._store.get(MODEL.kind, variant["ModelName"]) is None:
                raise invalid(f"Could not find model {variant['ModelName']!r}.")

    def _describe(self, kind: Kind, request: Document) -> Document:
        name = str(request.get(kind.name))
        document = self._store.get(kind.kind, name)
        if document is None:
            raise invalid(f"Could not find {kind.kind.replace('-', ' ')} {name!r}.")
        return document

    def _delete(self, kind: Kind, request: Document) -> Document:
        self._describe(kind, request)
        self._store.delete(kind.kind, request[kind.name])
        return {}

    def _list(self, kind: Kind, request: Document) -> Document:
        part = request.get("NameContains", "")
        documents = [d for d in self._store.all(kind.kind) if part in d[kind.name]]
        return page(
            documents, request, kind.plural, lambda d: only(d, kind.name, kind.arn, "CreationTime")
        )
