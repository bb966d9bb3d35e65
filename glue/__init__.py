"""What a record is: the kernel every other package reads its definitions from.

May import the standard library and annotated_types only: it ships inside the Flink zip.
"""

from glue.actions import Actions
from glue.catalog import Catalog, UseCase
from glue.errors import CatalogError, PlatformError, SchemaError
from glue.schema import Schema, event, fields_of, record, report, schema_of
from glue.series import Series
from glue.types import (
    Amount,
    Boolean,
    Column,
    ColumnType,
    Double,
    Integer,
    Latest,
    Maximum,
    Minimum,
    Ratio,
    String,
    Struct,
    Timestamp,
)

__all__ = [
    "Actions",
    "Amount",
    "Boolean",
    "Catalog",
    "CatalogError",
    "Column",
    "ColumnType",
    "Double",
    "Integer",
    "Latest",
    "Maximum",
    "Minimum",
    "PlatformError",
    "Ratio",
    "Schema",
    "SchemaError",
    "Series",
    "String",
    "Struct",
    "Timestamp",
    "UseCase",
    "event",
    "fields_of",
    "record",
    "report",
    "schema_of",
]
