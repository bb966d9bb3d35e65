"""Firehose's data plane: delivery streams read from Kinesis and written to S3, as on AWS."""
