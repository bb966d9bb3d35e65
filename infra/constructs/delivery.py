"""A Firehose delivery stream: a Kinesis stream's records into the lake, as Parquet and as sent."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from constructs import Construct

from glue.targets.lake import LakeTable
from infra.constructs.acknowledge import acknowledge
from infra.constructs.lake import Lake
from infra.constructs.lake_tables import TIMESTAMP_FORMATS, catalog_arns
from infra.topology import Delivery

BUFFER_MIB = 64  # Firehose's minimum when it writes Parquet
PARTITION = "date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"

_S3 = firehose.CfnDeliveryStream
_READ = ("DescribeStream", "GetRecords", "GetShardIterator", "ListShards")
_TABLE = ("GetTable", "GetTableVersion", "GetTableVersions")
_OBJECTS = ("AbortMultipartUpload", "PutObject")
_BUCKET = ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")


class DeliveryStream(Construct):
    """Has its own role, which writes only to the folders of its own record."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        delivery: Delivery,
        stream: kinesis.IStream,
        table: glue.CfnTable,
        lake: Lake,
        log_group: logs.LogGroup,
        buffer_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        self._lake, self._delivery, self._seconds = lake, delivery, buffer_seconds
        self._log = self._logging(log_group)
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("firehose.amazonaws.com")
        )
        self._allow(stream, log_group)
        self.resource = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_name=delivery.name,
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=_S3.KinesisStreamSourceConfigurationProperty(
                kinesis_stream_arn=stream.stream_arn, role_arn=self.role.role_arn
            ),
            extended_s3_destination_configuration=self._destination(delivery.table),
        )
        # Firehose tests role and table when the delivery stream is created.
        self.resource.node.add_dependency(self.role, table)
        kept = "It reads an encrypted Kinesis stream, and stores nothing of its own."
        acknowledge(self.resource, {"KDF1": kept})

    def _logging(
        self, group: logs.LogGroup
    ) -> firehose.CfnDeliveryStream.CloudWatchLoggingOptionsProperty:
        stream = logs.LogStream(
            self,
            "Log",
            log_group=group,
            log_stream_name=self._delivery.name,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        return _S3.CloudWatchLoggingOptionsProperty(
            enabled=True,
            log_group_name=group.log_group_name,
            log_stream_name=stream.log_stream_name,
        )

    def _buffering(self) -> firehose.CfnDeliveryStream.BufferingHintsProperty:
        return _S3.BufferingHintsProperty(
            interval_in_seconds=self._seconds, size_in_m_bs=BUFFER_MIB
        )

    def _destination(
        self, table: LakeTable
    ) -> firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty:
        return _S3.ExtendedS3DestinationConfigurationProperty(
            bucket_arn=self._lake.bucket.bucket_arn,
            role_arn=self.role.role_arn,
            prefix=table.parquet_folder + PARTITION,
            error_output_prefix=_error_prefix(table),
            buffering_hints=self._buffering(),
            compression_format="UNCOMPRESSED",  # Parquet compresses its own pages
            encryption_configuration=self._encryption(),
            cloud_watch_logging_options=self._log,
            data_format_conversion_configuration=self._conversion(table),
            s3_backup_mode="Enabled",
            s3_backup_configuration=self._originals(table),
        )

    def _originals(
        self, table: LakeTable
    ) -> firehose.CfnDeliveryStream.S3DestinationConfigurationProperty:
        return _S3.S3DestinationConfigurationProperty(
            bucket_arn=self._lake.bucket.bucket_arn,
            role_arn=self.role.role_arn,
            prefix=table.raw_folder + PARTITION,
            error_output_prefix=_error_prefix(table),
            buffering_hints=self._buffering(),
            compression_format="GZIP",
            encryption_configuration=self._encryption(),
            cloud_watch_logging_options=self._log,
        )

    def _conversion(
        self, table: LakeTable
    ) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
        json = _S3.HiveJsonSerDeProperty(timestamp_formats=[*TIMESTAMP_FORMATS])
        parquet = _S3.ParquetSerDeProperty(compression="SNAPPY")
        return _S3.DataFormatConversionConfigurationProperty(
            enabled=True,
            input_format_configuration=_S3.InputFormatConfigurationProperty(
                deserializer=_S3.DeserializerProperty(hive_json_ser_de=json)
            ),
            output_format_configuration=_S3.OutputFormatConfigurationProperty(
                serializer=_S3.SerializerProperty(parquet_ser_de=parquet)
            ),
            schema_configuration=_S3.SchemaConfigurationProperty(
                catalog_id=cdk.Aws.ACCOUNT_ID,
                region=cdk.Stack.of(self).region,
                role_arn=self.role.role_arn,
                database_name=self._delivery.database,
                table_name=table.parquet,
                version_id="LATEST",  # a column that is added is written from then on
            ),
        )

    def _encryption(self) -> firehose.CfnDeliveryStream.EncryptionConfigurationProperty:
        return _S3.EncryptionConfigurationProperty(
            kms_encryption_config=_S3.KMSEncryptionConfigProperty(
                awskms_key_arn=self._lake.key.key_arn
            )
        )

    def _allow(self, stream: kinesis.IStream, group: logs.LogGroup) -> None:
        table, bucket = self._delivery.table, self._lake.bucket
        self._grant("kinesis", _READ, stream.stream_arn)
        self._grant("s3", _BUCKET, bucket.bucket_arn)
        self._lake.allow(
            self.role,
            _OBJECTS,
            table.parquet_folder,
            table.raw_folder,
            table.error_folder,
            reason="Objects are named by Firehose, below the folders of its own record.",
        )
        self._grant("kms", ("Decrypt", "GenerateDataKey"), self._lake.key.key_arn)
        tables = catalog_arns(self, self._delivery.database, [table.parquet])
        self._grant("glue", _TABLE, *tables)
        log = f"{group.log_group_arn}:log-stream:{self._delivery.name}"
        self._grant("logs", ("PutLogEvents",), group.log_group_arn, log)

    def _grant(self, service: str, actions: tuple[str, ...], *resources: str) -> None:
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[f"{service}:{action}" for action in actions], resources=[*resources]
            )
        )


def _error_prefix(table: LakeTable) -> str:
    """Where Firehose stores what it could not deliver, by kind of error."""
    return f"{table.error_folder}!{{firehose:error-output-type}}/{PARTITION}"
