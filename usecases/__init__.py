"""The catalog: one line per use case, one folder each."""

from importlib import import_module

from glue import Catalog, UseCase

NAMES = ("adtech",)


def load(names: tuple[str, ...] = NAMES) -> Catalog:
    """The catalog of these use cases; each folder's package defines `USE_CASE`."""
    return Catalog(tuple(_use_case(name) for name in names))


def _use_case(name: str) -> UseCase:
    found = import_module(f"usecases.{name}").USE_CASE
    if not isinstance(found, UseCase):
        raise TypeError(f"usecases.{name}.USE_CASE is {type(found).__name__}, not a UseCase")
    return found
