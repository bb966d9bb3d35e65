"""The process that restarts the others ends of nothing but a signal."""

from pathlib import Path

from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from sdpctl.local.workers import Supervisor
from sdpctl.settings import Settings


def test_it_looks_again_whatever_a_look_has_raised(tmp_path: Path, monkeypatch) -> None:
    raised = [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ResponseParserError("an answer that is none"),
        KeyError("Stacks"),
    ]
    supervisor, looks = Supervisor(Settings(tmp_path, tmp_path, 1, 2, 3)), []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) > len(raised):
            supervisor.end(15, None)
            return
        raise raised[len(looks) - 1]

    monkeypatch.setattr(supervisor, "_look", look)
    monkeypatch.setattr("sdpctl.local.workers.LOOK_EVERY", 0.0)
    supervisor.run()
    assert looks == [0, 1, 2, 3]
