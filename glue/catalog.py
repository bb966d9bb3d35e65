"""Use cases, and the catalog of those deployed together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from glue import definitions as defined
from glue.actions import DISPATCH, Actions, Dispatching
from glue.actions import PARAMETERS as ACTION_PARAMETERS
from glue.definitions import DEFINITIONS, Definitions
from glue.errors import CatalogError
from glue.models import Model
from glue.mqtt import MQTT, Mqtt
from glue.parameters import PLATFORM, Duration, Parameter, Parameters, Role, check_names
from glue.schema import Kind, Schema, schema_of
from glue.series import Series
from glue.types import MAX_AMOUNT


@dataclass(frozen=True)
class UseCase:
    """One plug-in: its classes and where its folder is.

    `classes` are its events, records and reports. `folder` holds `pipeline/*.sql`, `samples/` and,
    if it has them, `generator.py` and saved `queries/*.sql`. `model` is what is trained on its
    records, if anything is. `parameters` are its own, beside the platform's. `functions` are those
    of the jar that its SQL calls: the name in SQL and the Java class. `definitions` are what people
    change while it runs, `actions` the records that are sent to the outside, `mqtt` the topics that
    its events arrive on beside HTTP. `series` are what the page draws over time. `max_amount` is
    the deployment's limit of amounts.
    """

    name: str
    doc: str
    folder: Path
    classes: tuple[type, ...] = field(default=())
    model: Model | None = None
    max_amount: int = MAX_AMOUNT
    parameters: tuple[Parameter, ...] = ()
    functions: Mapping[str, str] = field(default_factory=dict)
    definitions: Definitions | None = None
    actions: Actions | None = None
    mqtt: Mqtt | None = None
    series: tuple[Series, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is declared wrongly: CatalogError names it."""
        if not _NAME.fullmatch(self.name):
            raise CatalogError(
                f"use case {self.name!r}: a name has 1 to 20 lower case letters, digits and "
                "underscores, a letter first"
            )
        if self.actions is not None:
            self.actions.check(self.name, self.classes)
        if self.definitions is not None:
            self.definitions.check(self.name, tuple(map(schema_of, self.classes)))
        if self.mqtt is not None:
            self.mqtt.check(self.name, self.classes)
        for series in self.series:
            series.check(self.name, self.classes)
        drawn = [series.name for series in self.series]
        if twice := sorted({name for name in drawn if drawn.count(name) > 1}):
            raise CatalogError(f"{self.name}: series {twice} are declared twice")
        names = [p.name for p in (*PLATFORM, *self.settings)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise CatalogError(f"{self.name}: parameters {twice} are declared twice")
        self._check_answers()
        results = {PROGRESS, DEAD_LETTERS, *(s.stream for s in (*self.records, *self.reports))}
        for stream in self.event_streams:
            if stream in results:
                raise CatalogError(
                    f"{self.name}: stream {stream!r} has results; give the events a stream of "
                    "their own"
                )
        if self.mqtt and MQTT in self.streams:
            raise CatalogError(
                f"{self.name}: stream {MQTT!r} is that of its MQTT messages; give its own stream "
                "another name"
            )
        if self.has_versions and DEFINITIONS in {report.path for report in self.reports}:
            raise CatalogError(
                f"{self.name}: report path {DEFINITIONS!r} is that of its definitions' table; "
                "give the report another path"
            )
        if self.actions and DISPATCH in {report.path for report in self.reports}:
            raise CatalogError(
                f"{self.name}: report path {DISPATCH!r} is that of its actions' table; give the "
                "report another path"
            )
        for name, java in self.functions.items():
            if not _FUNCTION.fullmatch(name) or not _CLASS.fullmatch(java):
                raise CatalogError(
                    f"{self.name}: function {name!r} = {java!r}; give a name in capital letters "
                    "and a Java class with its package"
                )

    def _check_answers(self) -> None:
        types = sorted(event.type for event in self.events)
        for parameter in self.parameters:
            kind = parameter.type
            if isinstance(kind, Duration) and kind.role is Role.ANSWER and kind.event not in types:
                raise CatalogError(
                    f"{self.name}: parameter {parameter.name} is how long {kind.event!r} waits, "
                    f"which is no event; events: {types}"
                )

    @property
    def has_versions(self) -> bool:
        """Whether anything of it is valid from an instant on, so that it has a table of versions.

        These are its definitions, and the model that its stream scores by.
        """
        return self.definitions is not None or self.model is not None

    @property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """Its parameters beside the platform's, with those that its declarations bring."""
        return (*self.parameters, *(defined.PARAMETERS if self.has_versions else ()))

    def configured(self, values: Mapping[str, object]) -> Parameters:
        """Its parameters from a deployment's values; ParameterError names a wrong one."""
        return Parameters.parse(values, self.name, self.own_parameters)

    @property
    def settings(self) -> tuple[Parameter, ...]:
        """Every parameter that a deployment may set beside the platform's."""
        return (*self.own_parameters, *(ACTION_PARAMETERS if self.actions else ()))

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """All schemas, in declared order."""
        return tuple(schema_of(cls).within(self.max_amount) for cls in self.classes)

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
    def event_streams(self) -> tuple[str, ...]:
        """The streams that events are ingested into, in declared order."""
        return tuple(dict.fromkeys(s.stream for s in self.events))

    def events_on(self, stream: str) -> tuple[Schema, ...]:
        """The events that are ingested into a stream."""
        return tuple(s for s in self.events if s.stream == stream)

    @property
    def streams(self) -> tuple[str, ...]:
        """Every stream of the use case: events first, progress and dead letters last."""
        results = [s.stream for s in self.schemas]
        return tuple(dict.fromkeys([*self.event_streams, *results, PROGRESS, DEAD_LETTERS]))

    @property
    def pipeline(self) -> tuple[Path, ...]:
        """The pipeline's SQL files, in the order they run."""
        return tuple(sorted((self.folder / "pipeline").glob("*.sql")))

    @property
    def is_audited(self) -> bool:
        """Whether its pipeline has outcomes for the ledger: it creates `outcomes` or `decided`."""
        return any(_OUTCOMES.search(path.read_text()) for path in self.pipeline)

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a record may depend on any earlier one of its key.

        A file uses an operator that keeps balances, means or profiles, however old they are.
        """
        return any(_REMEMBERS.search(path.read_text()) for path in self.pipeline)

    @property
    def queries(self) -> tuple[Path, ...]:
        """The saved queries' SQL files, in the order of their names."""
        return tuple(sorted((self.folder / "queries").glob("*.sql")))


_OUTCOMES = re.compile(r"^CREATE TEMPORARY (?:TABLE|VIEW) `?(?:outcomes|decided)`?\s", re.MULTILINE)
_REMEMBERS = re.compile(r"^\s*'connector'\s*=\s*'(?:patterns|decisions)'", re.MULTILINE)


def stream_name(prefix: str, use_case: str, stream: str) -> str:
    """The name in AWS of a use case's stream in the deployment of that prefix."""
    return f"{prefix}-{use_case}-{stream}"


def delivery_name(prefix: str, use_case: str, stream: str) -> str:
    """The name in AWS of the delivery of a stream to the lake."""
    return f"{stream_name(prefix, use_case, stream)}-lake"


PROGRESS = "progress"
DEAD_LETTERS = "dead-letters"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_FUNCTION = re.compile(r"[A-Z][A-Z0-9_]*")
_CLASS = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)*\.[A-Z][A-Za-z0-9]*")


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
        self._check_topics()

    def _check_topics(self) -> None:
        """No topic is of two use cases: a rule would deliver its messages to both."""
        roots = {u.name: f"{u.mqtt.root}/" for u in self.use_cases if u.mqtt}
        for name, root in roots.items():
            for other, above in roots.items():
                if name != other and root.startswith(above):
                    raise CatalogError(
                        f"MQTT topics {root}… of {name} are also those of {other}, {above}…; give "
                        "each use case its own"
                    )

    def within(self, parameters: Mapping[str, Parameters]) -> Catalog:
        """The catalog with amounts of at most each use case's MaxAmount."""
        return Catalog(tuple(u.within(parameters[u.name].max_amount) for u in self.use_cases))

    def configured(self, values: Mapping[str, object]) -> dict[str, Parameters]:
        """Each use case's parameters from a deployment's; ParameterError names a wrong value."""
        return {u.name: u.configured(values) for u in self.use_cases}

    def dispatching(self, values: Mapping[str, object]) -> dict[str, Dispatching]:
        """How each use case with actions sends them; ParameterError names a wrong value."""
        return {u.name: Dispatching.parse(values, u.name) for u in self.use_cases if u.actions}

    def check_names(self, keys: Iterable[str]) -> None:
        """ParameterError for a key that is written like a parameter's and is unknown."""
        check_names(keys, {u.name: u.settings for u in self.use_cases})

    def use_case(self, name: str) -> UseCase:
        """The use case of that name; CatalogError lists the choices."""
        for use_case in self.use_cases:
            if use_case.name == name:
                return use_case
        choices = [u.name for u in self.use_cases]
        raise CatalogError(f"use case {name!r} is not in the catalog; use cases: {choices}")
