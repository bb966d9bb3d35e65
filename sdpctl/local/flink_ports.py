"""The port of each Flink job's page and REST API.

SDP_FLINK_PORT always shows a job; those that start while it is taken have the next free numbers.
A job keeps its port for as long as it runs, and `sdp status` shows it.
"""

from __future__ import annotations

from sdpctl.local import flink_status
from sdpctl.local.processes import port_problem
from sdpctl.settings import Settings

VARIABLE = "SDP_FLINK_PORT"
_NUMBERS = 100  # how many are tried


def choose(settings: Settings, application: str) -> int:
    """The port for a job that starts now; whether another program has it is not looked at
    for SDP_FLINK_PORT itself, which the user chose."""
    taken = {
        state["port"]
        for state in flink_status.states(settings)
        if state["name"] != application and "port" in state and state.get("state") != "stopped"
    }
    first = settings.flink_port
    if first not in taken:
        return first
    taken |= set(settings.ports.values())
    own = flink_status.port(settings, application)
    numbers = (own, *range(first + 1, min(first + _NUMBERS, 65_536)))
    free = (n for n in numbers if n not in taken and port_problem(n, VARIABLE) is None)
    return next(free, first)
