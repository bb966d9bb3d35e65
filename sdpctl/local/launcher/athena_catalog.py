"""Athena's view of the Glue catalog: databases and tables by its own API.

Names of catalogs are the same in letters of either case; what does not exist is an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import athena, glue

from sdpctl.local.athena.starting import Refusal, known_catalog

REPLACED: dict[Callable[..., Any], list[str]] = {
    athena._get_data_catalog: ["data"],
    athena._get_database: ["data"],
    athena._list_databases: ["data"],
    athena._get_table_metadata: ["data"],
    athena._list_table_metadata: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    athena: ("_data_catalogs", "_athena_database"),
    glue: ("_databases", "_tables"),
}
PAGE = 50
Data = dict[str, Any]
_get_catalog = athena._get_data_catalog


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    athena._get_data_catalog = _in_catalog("Name", _data_catalog)
    athena._get_database = _in_catalog("CatalogName", _database)
    athena._list_databases = _in_catalog("CatalogName", _databases)
    athena._get_table_metadata = _in_catalog("CatalogName", _table)
    athena._list_table_metadata = _in_catalog("CatalogName", _tables)


class _MissingError(Exception):
    """A database or table that does not exist, in the words that Athena passes on from Glue."""

    def __str__(self) -> str:
        """Clients read the error code out of it."""
        return (
            f"{self.args[0]} (Service: AmazonDataCatalog; Status Code: 400; "
            f"Error Code: EntityNotFoundException; Request ID: {new_uuid()}; Proxy: null)"
        )


def _in_catalog(parameter: str, answer: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """The call with the catalog's own name; errors as Athena has them."""

    def call(data: Data) -> Any:
        try:
            name = known_catalog(data.get(parameter, ""), athena._data_catalogs)
            return answer({**data, parameter: name})
        except Refusal as refusal:
            return error_response_json("InvalidRequestException", str(refusal), 400)
        except _MissingError as missing:
            return error_response_json("MetadataException", str(missing), 400)

    return call


def _data_catalog(data: Data) -> Any:
    return _get_catalog(data)


def _database(data: Data) -> Any:
    return json_response({"Database": athena._athena_database(_known_database(data))})


def _databases(data: Data) -> Any:
    databases = [athena._athena_database(one) for one in glue._databases.values()]
    return _paged("DatabaseList", databases, data)


def _table(data: Data) -> Any:
    database = _known_database(data)["Name"]
    name = data.get("TableName", "").lower()
    definition = glue._tables.get(f"{database}/{name}")
    if definition is None:
        raise _MissingError(f"Table {database}.{name} not found.")
    return json_response({"TableMetadata": _metadata(definition)})


def _tables(data: Data) -> Any:
    database = _known_database(data)["Name"]
    pattern = re.compile(data.get("Expression") or ".*", re.IGNORECASE)
    tables = [
        _metadata(definition)
        for key, definition in glue._tables.items()
        if key.startswith(f"{database}/") and pattern.fullmatch(definition["Name"])
    ]
    return _paged("TableMetadataList", tables, data)


def _known_database(data: Data) -> Data:
    name = data.get("DatabaseName", "").lower()
    database: Data | None = glue._databases.get(name)
    if database is None:
        raise _MissingError(f"Database {name} not found.")
    return database


def _metadata(definition: Data) -> Data:
    storage = definition.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    properties = {
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "location": storage.get("Location"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{k}": v for k, v in (serde.get("Parameters") or {}).items()},
        **(definition.get("Parameters") or {}),
    }
    return {
        "Name": definition["Name"],
        "CreateTime": definition.get("CreateTime", time.time()),
        "LastAccessTime": definition.get("LastAccessTime", 0),
        "TableType": definition.get("TableType", "EXTERNAL_TABLE"),
        "Columns": [_column(c) for c in storage.get("Columns") or ()],
        "PartitionKeys": [_column(c) for c in definition.get("PartitionKeys") or ()],
        "Parameters": {name: value for name, value in properties.items() if value is not None},
    }


def _column(column: Data) -> Data:
    shown = {"Name": column["Name"], "Type": column.get("Type", "string")}
    return shown | ({"Comment": column["Comment"]} if column.get("Comment") else {})


def _paged(name: str, items: list[Data], data: Data) -> Any:
    token = data.get("NextToken") or "0"
    if not token.isdigit():
        raise Refusal("Invalid token provided")
    start, size = int(token), int(data.get("MaxResults") or PAGE)
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return json_response({name: items[start : start + size], **more})
