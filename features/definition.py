"""What a model sees of a row: the features of a definition, and their form as JSON.

Plain data: `glue.models` checks it against what is declared, `features.encoding` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
MIN_ROWS = 1_000  # that a model can be learned from
Json = dict[str, Any]


@dataclass(frozen=True)
class Hashed:
    """A category (text or a whole number), hashed into `buckets` buckets."""

    column: str
    buckets: int = 4096

    @property
    def name(self) -> str:
        """The column's own name."""
        return self.column


@dataclass(frozen=True)
class Numeric:
    """A number as it is."""

    column: str

    @property
    def name(self) -> str:
        """The column's own name."""
        return self.column


@dataclass(frozen=True)
class Log:
    """log(1 + x) of a number that is never negative."""

    column: str

    @property
    def name(self) -> str:
        """`log_` and the column."""
        return f"log_{self.column}"


@dataclass(frozen=True)
class Relative:
    """How far log(1 + x) is above what is typical of the row's group in the training rows.

    A group without history has what is typical of all.
    """

    column: str
    to: str

    @property
    def name(self) -> str:
        """The column and its group."""
        return f"{self.column}_relative_to_{self.to}"


Feature = Hashed | Numeric | Log | Relative
_KINDS: Mapping[str, type[Feature]] = {k.__name__: k for k in (Hashed, Numeric, Log, Relative)}


@dataclass(frozen=True)
class Input:
    """A column that is known when a prediction is requested.

    `request` is its name in a request, `event` its field in the event that is the moment of
    prediction (the column's own name if empty).
    """

    column: str
    request: str
    event: str = ""

    @property
    def field(self) -> str:
        """The event's field that fills the column."""
        return self.event or self.column


@dataclass(frozen=True)
class Definition:
    """Which rows a model learns from, and what it sees of them. Columns are the record's.

    `key` names a row (repeats are dropped by it), `time` is its event time, `label` the boolean
    to predict, `segment` the column by which a model is judged part by part. The score never
    falls when a column of `increasing` rises.
    """

    name: str
    record: str
    key: str
    time: str
    label: str
    segment: str
    inputs: tuple[Input, ...]
    features: tuple[Feature, ...]
    increasing: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs' columns, in order."""
        return tuple(i.column for i in self.inputs)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The inputs that must be numbers: without one there is no vector."""
        columns = [f.column for f in self.features if not isinstance(f, Hashed)]
        return tuple(dict.fromkeys(columns))

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The numbers that are never negative: a feature takes their logarithm."""
        columns = [f.column for f in self.features if isinstance(f, Log | Relative)]
        return tuple(dict.fromkeys(columns))

    @property
    def categories(self) -> tuple[str, ...]:
        """The inputs that may be absent, or never seen before."""
        return tuple(c for c in self.columns if c not in self.numbers)

    def to_json(self) -> Json:
        """The definition as `from_json` takes it."""
        features = [{"kind": type(f).__name__, **asdict(f)} for f in self.features]
        return {"format": FORMAT, **asdict(self), "features": features}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Definition:
        """The definition of a model's file; ValueError if it is of a newer format."""
        fields = dict(value)
        if fields.pop("format", None) != FORMAT:
            raise ValueError(f"format {value.get('format')!r} of features is not {FORMAT}")
        fields["inputs"] = tuple(Input(**i) for i in fields["inputs"])
        fields["features"] = tuple(_feature(f) for f in fields["features"])
        fields["increasing"] = tuple(fields["increasing"])
        return cls(**fields)


def _feature(value: Mapping[str, Any]) -> Feature:
    fields = dict(value)
    kind = fields.pop("kind")
    if kind not in _KINDS:
        raise ValueError(f"feature {kind!r} is not one of {list(_KINDS)}")
    return _KINDS[kind](**fields)
