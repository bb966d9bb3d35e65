"""The elements of a PMML file, without any trust in what wrote it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from xml.parsers import expat

from ml.errors import JobError

LARGEST = 16 * 1024 * 1024
"""Bytes of a file."""
DEEPEST = 500
_OURS = re.compile(r"http://www\.dmg\.org/PMML-4_\d+ ")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_WITHOUT_EFFECT = (
    *("Extension", "Header", "MiningBuildTask", "ModelStats", "ModelExplanation"),
    *("ModelVerification", "Output"),
)


class PmmlError(JobError):
    """The file cannot be read, or not be evaluated exactly."""


class UnreadableError(PmmlError):
    """It is no PMML at all, or cannot be read safely: there is nothing to evaluate."""


class Element:
    """An element; `tag` is without the namespace of PMML 4."""

    def __init__(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element] = []
        self.text = ""

    def __str__(self) -> str:
        """The tag, and which one it is."""
        named = (self.attributes[n] for n in ("name", "field", "id") if n in self.attributes)
        return f"{self.tag} {next(named, '')}".rstrip()

    @property
    def parts(self) -> list[Element]:
        """The children that may have an effect."""
        return [child for child in self.children if child.tag not in _WITHOUT_EFFECT]

    def all(self, tag: str) -> list[Element]:
        """The children with a tag."""
        return [child for child in self.children if child.tag == tag]

    def one(self, tag: str) -> Element:
        """The only child with a tag."""
        found = self.all(tag)
        if len(found) != 1:
            raise PmmlError(f"{self} has {len(found)} elements {tag}; there must be one")
        return found[0]

    def attribute(self, name: str) -> str:
        """An attribute that must be there."""
        if name not in self.attributes:
            raise PmmlError(f"{self}: the attribute {name} is missing")
        return self.attributes[name]

    def number(self, name: str) -> float:
        """An attribute that must be a finite number."""
        return number(self.attribute(name), f"{self}: {name}")

    def only(
        self, tags: tuple[str, ...], attributes: Mapping[str, tuple[str, ...] | None] | None = None
    ) -> None:
        """Refuses other children, and other attributes; None allows any value."""
        for child in self.parts:
            if child.tag not in tags:
                raise PmmlError(f"{self}: the element {child.tag} is not evaluated here")
        for name, value in self.attributes.items() if attributes is not None else ():
            assert attributes is not None
            if name not in attributes:
                raise PmmlError(f"{self}: the attribute {name}={value!r} is not evaluated here")
            allowed = attributes[name]
            if allowed is not None and value not in allowed:
                raise PmmlError(
                    f"{self}: {name}={value!r} is not evaluated here; allowed: {', '.join(allowed)}"
                )


def number(text: str, where: str) -> float:
    """A finite number, written as XML has it."""
    if not _NUMBER.fullmatch(text):
        raise PmmlError(f"{where}={text[:100]!r} is not a finite number")
    value = float(text)
    if not math.isfinite(value):
        raise PmmlError(f"{where}={text[:100]!r} is too large")
    return value


def parse(content: bytes) -> Element:
    """The first element. A document type, which could declare entities, is refused.

    Raises UnreadableError if the content is too large, too deep, or no XML.
    """
    if len(content) > LARGEST:
        raise UnreadableError(f"the file has more than {LARGEST:,} bytes, which is the most")
    building = _Building()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = building.begin
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.write
    parser.StartDoctypeDeclHandler = _document_type
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter of an encoding
        raise UnreadableError(f"the file is not XML: {error}") from error
    (root,) = building.top.children
    return root


def _document_type(*_: object) -> None:
    raise UnreadableError("the file has a document type (<!DOCTYPE …>); remove it")


class _Building:
    """The tree of the elements, while they are read."""

    def __init__(self) -> None:
        self.top = Element("", {})
        self._open = [self.top]

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(_OURS.sub("", tag, count=1), attributes)
        self._open[-1].children.append(element)
        self._open.append(element)
        if len(self._open) > DEEPEST:
            raise UnreadableError(f"elements are nested more than {DEEPEST} deep")

    def end(self, _: str) -> None:
        self._open.pop()

    def write(self, text: str) -> None:
        if self._open[-1].tag == "Constant":
            self._open[-1].text += text
