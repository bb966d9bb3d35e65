"""Use cases, and the catalog of those deployed together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from glue.errors import CatalogError
from glue.models import Model
from glue.schema import Kind, Schema, schema_of
from glue.types import MAX_AMOUNT


@dataclass(frozen=True)
class UseCase:
    """One plug-in: its definitions and where its folder is.

    `folder` holds `pipeline/*.sql`, `samples/` and, if it has them, `generator.py` and saved
    `queries/*.sql`. `model` is what is trained on its records, if anything is. `max_amount` is the
    deployment's limit of amounts.
    """

    name: str
    doc: str
    folder: Path
    definitions: tuple[type, ...] = field(default=())
    model: Model | None = None
    max_amount: int = MAX_AMOUNT

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """All schemas, in declared order."""
        return tuple(schema_of(cls).within(self.max_amount) for cls in self.definitions)

    def within(self, max_amount: int) -> UseCase:
        """The use case with amounts of at most `max_amount`."""
        model = self.model and self.model.within(max_amount)
        return replace(self, model=model, max_amount=max_amount)

    def _of(self, kind: Kind) -> tuple[Schema, ...]:
        return tuple(s for s in self.schemas if s.kind is kind)

    @property
    def events(self) -> tuple[Schema, ...]:
        """What senders send."""
        return self._of(Kind.EVENT)

    @property
    def records(self) -> tuple[Schema, ...]:
        """What the pipeline writes, one stream each."""
        return self._of(Kind.RECORD)

    @property
    def reports(self) -> tuple[Schema, ...]:
        """What is counted, stored and served."""
        return self._of(Kind.REPORT)

    @property
    def event_stream(self) -> str:
        """The one stream all events of the use case are ingested into."""
        streams = {s.stream for s in self.events}
        if len(streams) != 1:
            raise CatalogError(f"{self.name}: events name {sorted(streams)}; one stream is needed")
        return streams.pop()

    @property
    def streams(self) -> tuple[str, ...]:
        """Every stream of the use case: events first, progress and dead letters last."""
        results = [s.stream for s in self.schemas]
        return tuple(dict.fromkeys([self.event_stream, *results, PROGRESS, DEAD_LETTERS]))

    @property
    def pipeline(self) -> tuple[Path, ...]:
        """The pipeline's SQL files, in the order they run."""
        return tuple(sorted((self.folder / "pipeline").glob("*.sql")))

    @property
    def queries(self) -> tuple[Path, ...]:
        """The saved queries' SQL files, in the order of their names."""
        return tuple(sorted((self.folder / "queries").glob("*.sql")))


PROGRESS = "progress"
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True)
class Catalog:
    """The use cases of a deployment; event types and report paths are unique across them."""

    use_cases: tuple[UseCase, ...]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for use_case in self.use_cases:
            names = [f"type {n!r}" for e in use_case.events for n in (e.type, *e.aliases)]
            names += [f"report path {r.path!r}" for r in use_case.reports]
            for name in [f"use case {use_case.name!r}", *names]:
                if name in owners:
                    raise CatalogError(f"{name} is declared by {owners[name]} and {use_case.name}")
                owners[name] = use_case.name

    def within(self, max_amount: int) -> Catalog:
        """The catalog with amounts of at most `max_amount`, a deployment's parameter."""
        return Catalog(tuple(u.within(max_amount) for u in self.use_cases))

    def use_case(self, name: str) -> UseCase:
        """The use case of that name; CatalogError lists the choices."""
        for use_case in self.use_cases:
            if use_case.name == name:
                return use_case
        choices = [u.name for u in self.use_cases]
        raise CatalogError(f"use case {name!r} is not in the catalog; use cases: {choices}")
