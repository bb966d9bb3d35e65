"""The catalog: one line per use case, one folder each."""

from importlib import import_module

from glue import Catalog, UseCase

NAMES = ("adtech", "shopping", "machines")


def chosen(text: str) -> tuple[str, ...]:
    """The names in a text, separated by commas or spaces, in the catalog's order.

    Raises ValueError for an unknown or repeated one, and for none.
    """
    names = text.replace(",", " ").split()
    if not names or set(names) - set(NAMES):
        raise ValueError(
            f"must be one or more of {', '.join(NAMES)}, separated by commas or spaces"
        )
    if len(set(names)) < len(names):
        raise ValueError("must name each use case once")
    return tuple(name for name in NAMES if name in names)


def load(names: tuple[str, ...] = NAMES) -> Catalog:
    """The catalog of these use cases; each folder's package defines `USE_CASE`."""
    return Catalog(tuple(_use_case(name) for name in names))


def _use_case(name: str) -> UseCase:
    use_case = import_module(f"usecases.{name}").USE_CASE
    if not isinstance(use_case, UseCase):
        raise TypeError(f"usecases.{name}.USE_CASE is {type(use_case).__name__}, not a UseCase")
    return use_case
