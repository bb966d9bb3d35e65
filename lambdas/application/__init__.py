"""The custom resource that keeps the Flink application running the deployed version."""
