"""The fields of a PMML file: those that are given, and those that are computed from one of them.

Of what may be computed only two forms are evaluated: `slope × number + offset`, as scaling makes
it, and the same number in single precision, as trees compare it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ml.pmml.elements import Element, PmmlError, number

_PLAIN = ("name", "displayName", "optype", "dataType")
_KNOWN = ("double", "float", "integer", "string")


@dataclass(frozen=True)
class Field:
    """What a predictor reads: `slope` × the field called `name` + `offset`.

    `kind` is the field's type as the file has it; `single` if the number is rounded to single
    precision first.
    """

    name: str
    kind: str
    slope: float = 1.0
    offset: float = 0.0
    single: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is the field itself."""
        return self.slope == 1.0 and self.offset == 0.0


class Fields:
    """The fields that a model can use, by name; one that is not understood is refused when used."""

    def __init__(self, root: Element, model: Element) -> None:
        given = dict(_given(root.one("DataDictionary")))
        schema = model.one("MiningSchema")
        schema.only(("MiningField",))
        self.target, used = _schema(schema, given)
        self._fields: dict[str, Field | PmmlError] = dict(used)
        for computed in (root, model):
            for group in ("TransformationDictionary", "LocalTransformations"):
                for element in (d for g in computed.all(group) for d in g.parts):
                    self._compute(element)

    def __getitem__(self, name: str) -> Field:
        """Raises PmmlError if it is not there, or not evaluated here."""
        found = self._fields.get(name)
        if isinstance(found, PmmlError):
            raise found
        if found is None:
            raise PmmlError(f"the field {name} is not in the MiningSchema: {sorted(self._fields)}")
        return found

    def _compute(self, element: Element) -> None:
        name = element.attributes.get("name", element.tag)
        try:
            self._fields[name] = self._computed(element)
        except PmmlError as error:
            self._fields[name] = PmmlError(f"{element}: {error}")

    def _computed(self, element: Element) -> Field:
        if element.tag != "DerivedField":
            raise PmmlError("it is not evaluated here")
        element.only(
            ("FieldRef", "Constant", "Apply"),
            {**dict.fromkeys(_PLAIN[:2]), "optype": ("continuous",), "dataType": None},
        )
        found = self._expression(_single(element.parts, element))
        if not isinstance(found, Field):
            raise PmmlError("it is the same for every row; export without it")
        kind = element.attribute("dataType")
        if kind == "float" and found.is_plain:
            return replace(found, single=True)
        if kind != "double" or found.kind == "string":
            raise PmmlError(f"dataType={kind!r} is not evaluated here for what it computes")
        return found

    # what is computed ---------------------------------------------------------------------------

    def _expression(self, element: Element) -> Field | float:
        match element.tag:
            case "FieldRef":
                element.only((), {"field": None})
                return self[element.attribute("field")]
            case "Constant":
                element.only((), {"dataType": ("double",)})
                return number(element.text, "Constant")
            case _:
                return self._applied(element)

    def _applied(self, element: Element) -> Field | float:
        """`+`, `-`, `*` or `/` of two, of which at most one is a field."""
        element.only(
            ("FieldRef", "Constant", "Apply"),
            {"function": ("+", "-", "*", "/"), "invalidValueTreatment": ("returnInvalid",)},
        )
        if len(element.parts) != 2:
            raise PmmlError(f"Apply has {len(element.parts)} arguments; there must be two")
        left, right = map(self._expression, element.parts)
        function = element.attribute("function")
        for operand in (left, right):
            if isinstance(operand, Field) and (operand.kind == "string" or operand.single):
                raise PmmlError(f"{operand.name} is no number in double precision")
        match function, left, right:
            case "+", Field(), float():
                return replace(left, offset=left.offset + right)
            case "+", float(), Field():
                return replace(right, offset=left + right.offset)
            case "-", Field(), float():
                return replace(left, offset=left.offset - right)
            case "-", float(), Field():
                return replace(right, slope=-right.slope, offset=left - right.offset)
            case "*", Field(), float():
                return replace(left, slope=left.slope * right, offset=left.offset * right)
            case "*", float(), Field():
                return replace(right, slope=left * right.slope, offset=left * right.offset)
            case "/", Field(), float() if right:
                return replace(left, slope=left.slope / right, offset=left.offset / right)
        raise PmmlError(f"{function!r} of these is not evaluated here; only scaling of one number")


def _single(parts: list[Element], element: Element) -> Element:
    if len(parts) != 1:
        raise PmmlError(f"{element} has {len(parts)} elements; there must be one")
    return parts[0]


# what is given ------------------------------------------------------------------------------------


def _given(dictionary: Element) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Type of each field, and whether only some of its values are valid."""
    dictionary.only(("DataField",))
    for field in dictionary.all("DataField"):
        field.only(("Value", "Interval"), dict.fromkeys(_PLAIN) | {"isCyclic": ("0",)})
        for value in field.all("Value"):
            value.only((), {"value": None, "displayValue": None, "property": ("valid",)})
        yield field.attribute("name"), (field.attribute("dataType"), bool(field.parts))


def _schema(
    schema: Element, given: Mapping[str, tuple[str, bool]]
) -> tuple[str, dict[str, Field | PmmlError]]:
    """The target's name, and the fields that may be used."""
    targets: list[str] = []
    used: dict[str, Field | PmmlError] = {}
    for field in schema.all("MiningField"):
        name, usage = field.attribute("name"), field.attributes.get("usageType", "active")
        if name not in given:
            raise PmmlError(f"{field} is not in the DataDictionary")
        if usage in ("target", "predicted"):
            targets.append(name)
        elif usage == "active":
            used[name] = _used(field, *given[name])
        elif usage != "supplementary":
            raise PmmlError(f"{field}: usageType={usage!r} is not evaluated here")
    if len(targets) != 1:
        raise PmmlError(f"MiningSchema has the targets {targets}; there must be one")
    return targets[0], used


def _used(field: Element, kind: str, is_restricted: bool) -> Field | PmmlError:
    try:
        field.only(
            (),
            {
                **dict.fromkeys(("name", "usageType", "importance", "invalidValueTreatment")),
                "optype": None,
                "outliers": ("asIs",),
                "missingValueTreatment": ("asIs",),
            },
        )
        _check_validity(field, kind, is_restricted)
    except PmmlError as error:
        return error
    if kind not in _KNOWN:
        return PmmlError(f"{field}: dataType={kind!r} is not evaluated here")
    return Field(field.attribute("name"), kind, single=kind == "float")


def _check_validity(field: Element, kind: str, is_restricted: bool) -> None:
    """A category that is not listed adds nothing to a regression, nor does one that is missing."""
    treatments = ("asIs", "asMissing") if kind == "string" else ("asIs",)
    if is_restricted and field.attributes.get("invalidValueTreatment") not in treatments:
        raise PmmlError(
            f"{field}: only the values that the DataDictionary lists have a score; here all have"
            " one. Export it with invalidValueTreatment='asIs' (handle_unknown='ignore')"
        )
