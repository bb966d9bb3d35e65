"""The process that restarts the others ends of nothing but a signal."""

from pathlib import Path

from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from sdpctl.local import flink_config, workers
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


def test_no_temporary_file_of_a_job_is_left_when_the_platform_ends(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, 1, 2, 3)
    scratch = tmp_path / "flink" / "a-job" / "tmp"
    conf, log = tmp_path / "conf", tmp_path / "flink.log"
    flink_config.write(
        conf,
        flink_home=flink_config.flink_home(Settings.load().python("flink")),
        checkpoints=tmp_path / "checkpoints",
        port=4,
        parallelism=2,
        scratch=scratch,
        log=log,
    )
    (line,) = [n for n in (conf / "config.yaml").read_text().splitlines() if ".localdir" in n]
    link = Path(line.partition(": ")[2])
    assert link.resolve() == scratch / "rocksdb" and not link.is_relative_to(tmp_path)
    workers.stop(settings)
    assert not link.is_symlink() and not scratch.exists()
