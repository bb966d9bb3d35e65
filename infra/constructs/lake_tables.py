"""A use case's Glue database, and two tables for each of its streams: Parquet and original JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from constructs import Construct

from glue import UseCase
from glue.targets.gluetable import glue_columns
from glue.targets.lake import PARTITIONS, LakeTable
from infra.constructs.lake import Lake

# RFC 3339 in UTC, as the platform writes it: none to three decimals.
TIMESTAMP_FORMATS = tuple(f"yyyy-MM-dd'T'HH:mm:ss{part}'Z'" for part in (".SSS", ".SS", ".S", ""))


class Format(NamedTuple):
    """How Hive names a file format."""

    input: str
    output: str
    library: str
    parameters: Mapping[str, str]


_HIVE = "org.apache.hadoop.hive.ql.io"
PARQUET = Format(
    f"{_HIVE}.parquet.MapredParquetInputFormat",
    f"{_HIVE}.parquet.MapredParquetOutputFormat",
    f"{_HIVE}.parquet.serde.ParquetHiveSerDe",
    {"serialization.format": "1"},
)
# The raw files contain invalid records unchanged: a line that is not JSON is a row of nulls.
JSON = Format(
    "org.apache.hadoop.mapred.TextInputFormat",
    f"{_HIVE}.HiveIgnoreKeyTextOutputFormat",
    "org.openx.data.jsonserde.JsonSerDe",
    {"ignore.malformed.json": "TRUE", "timestamp.formats": ",".join(TIMESTAMP_FORMATS)},
)


class LakeTables(Construct):
    """The tables' partitions are registered as they are filled, by a function."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        use_case: UseCase,
        database: str,
        tables: Iterable[LakeTable],
        lake: Lake,
    ) -> None:
        super().__init__(scope, id_)
        self._lake = lake
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=database, description=use_case.doc
            ),
        )
        self.parquet = {table.stream: self._table(table.parquet, table) for table in tables}
        self.raw = {table.stream: self._table(table.raw, table) for table in tables}

    def _table(self, name: str, table: LakeTable) -> glue.CfnTable:
        parquet = name == table.parquet
        database = self.database.database_input
        assert isinstance(database, glue.CfnDatabase.DatabaseInputProperty)
        resource = glue.CfnTable(
            self,
            name,
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_name=str(database.name),
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=table.doc if parquet else f"{table.doc} The original JSON.",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet" if parquet else "json", "EXTERNAL": "TRUE"},
                partition_keys=[_column(*key, "string") for key in PARTITIONS],
                storage_descriptor=self._storage(table, parquet=parquet),
            ),
        )
        resource.node.add_dependency(self.database)
        return resource

    def _storage(
        self, table: LakeTable, *, parquet: bool
    ) -> glue.CfnTable.StorageDescriptorProperty:
        folder = table.parquet_folder if parquet else table.raw_folder
        format_ = PARQUET if parquet else JSON
        return glue.CfnTable.StorageDescriptorProperty(
            columns=[_column(c.name, c.comment, c.type) for c in glue_columns(table.columns)],
            location=f"s3://{self._lake.bucket.bucket_name}/{folder}",
            compressed=True,
            input_format=format_.input,
            output_format=format_.output,
            serde_info=glue.CfnTable.SerdeInfoProperty(
                serialization_library=format_.library, parameters={**format_.parameters}
            ),
        )


def catalog_arns(scope: Construct, database: str, tables: Iterable[str]) -> list[str]:
    """The resources of a Glue permission on tables: catalog, database, and each table."""
    arn = cdk.Stack.of(scope).format_arn
    return [
        arn(service="glue", resource="catalog"),
        arn(service="glue", resource="database", resource_name=database),
        *(arn(service="glue", resource="table", resource_name=f"{database}/{t}") for t in tables),
    ]


def _column(name: str, comment: str, type_: str) -> glue.CfnTable.ColumnProperty:
    return glue.CfnTable.ColumnProperty(name=name, type=type_, comment=comment)
