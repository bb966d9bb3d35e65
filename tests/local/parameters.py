"""The parameters of the platform that all local tests share."""

PARAMETERS = {
    "AggregationPeriod": "PT1M",
    "CorrelationWindow": "PT1M",
    "AllowedLateness": "PT2M",
    "retrainCheckMinutes": "1440",  # runs are started by the tests that want them
    "retrainRows": "1000",
    "trainingMaxMinutes": "10",
    "trainingPollSeconds": "2",
}


def text(parameters: dict[str, str]) -> str:
    """As commands take them: `Name=value Name=value`."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())
