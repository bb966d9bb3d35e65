"""What a deployment may choose about auctions."""

from glue.parameters import Duration, Parameter, Role

PARAMETERS = (
    Parameter(
        "CorrelationWindow",
        Duration("PT1S", "P30D", Role.WINDOW),
        "PT1H",
        "How far apart the stages of one key may be to be joined, in event time, counted from the "
        "first stage.",
    ),
    Parameter(
        "AllowedLateness",
        Duration("PT0S", "P30D", Role.LATENESS),
        "PT1H",
        "How late an event may be and still count: how far its time may lie behind the watermark. "
        "An event that is later is a dead letter `late`.",
    ),
)
