"""The error tree.

PlatformError
├── SchemaError     a declaration is wrong: names field, value and choices
├── CatalogError    use cases contradict each other
├── ParameterError  a deployment parameter is refused, by name
└── CompatibilityError  a released schema was changed in a way old readers cannot bear
"""


class PlatformError(Exception):
    """Root of all errors the platform raises on purpose."""


class SchemaError(PlatformError):
    """A declaration is wrong."""


class CatalogError(PlatformError):
    """Use cases contradict each other, or one is not in the catalog."""


class ParameterError(PlatformError):
    """A deployment parameter has a value the platform cannot run with."""


class CompatibilityError(PlatformError):
    """A released schema was changed in a way that is not additive."""
