"""The Flink application: SQL rendered from definitions plus each use case's own, as one job."""
