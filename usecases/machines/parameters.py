"""What a deployment may choose: which quantities are joined at first, and when pairs are final."""

from glue.parameters import Duration, Number, Parameter, Role, Text

PARAMETERS = (
    Parameter(
        "SpeedQuantity",
        Text(128),
        "speed",
        "The quantity that is the speed, in revolutions per minute: the first of each pair of the "
        "join `power` until a definition of it is valid.",
    ),
    Parameter(
        "TorqueQuantity",
        Text(128),
        "torque",
        "The quantity that is the torque, in newton metres: the second of each pair of the join "
        "`power` until a definition of it is valid.",
    ),
    Parameter(
        "MaxDistance",
        Duration("PT0S", "P1D", Role.REACH),
        "PT1S",
        "How far apart in time the two measurements of a pair of the join `power` may be, until a "
        "definition of it is valid.",
    ),
    Parameter(
        "MaxLatency",
        Duration("PT0S", "P1D"),
        "PT30S",
        "How far event time goes on until what is known of a machine of which one quantity is "
        "silent is `provisional`.",
    ),
    Parameter(
        "FinalAfter",
        Duration("PT0S", "P1D"),
        "PT10M",
        "How far event time goes on until pairs are `final` in any case, and an earlier "
        "measurement is late, even the first of its machine; at least `WatermarkDelay`. For as "
        "long measurements are stored while one quantity is silent.",
        at_least="WatermarkDelay",
    ),
    Parameter(
        "RatedPower",
        Number(0.001, 1e12),
        "1000",
        "The rated power of a machine in watts; the load bands are fifths of it.",
    ),
)
