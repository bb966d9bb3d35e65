"""The stand-in ends while jobs and endpoints are under way: it leaves nothing, they go on later."""

import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sdpctl.local.sagemaker.running import Runs
from sdpctl.local.sagemaker.store import Store
from tests.sagemaker.conftest import INFERENCE, TRAIN, Place, archive, until

JOB = {"TrainingJobName": "one"}
ENDPOINT = {"EndpointName": "one"}


def _left(place: Place) -> list[psutil.Process]:
    """The processes that work in its folders."""
    return [p for p in psutil.Process().children() if _folder(p).startswith(str(place.home))]


def _folder(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.cwd()
    return ""


def _put_waiting(place: Place) -> Path:
    """Put scripts that wait for ever the first time that one runs; the file that says it does."""
    marker = place.home / "began"
    once = (
        "import pathlib, time\n"
        f"marker = pathlib.Path({str(marker)!r})\n"
        "if not marker.exists():\n"
        "    marker.touch()\n"
        "    time.sleep(600)\n"
    )
    place.put("code.tar.gz", archive(train__py=once + TRAIN, inference__py=once + INFERENCE))
    return marker


def _restart_once(place: Place, marker: Path) -> None:
    """End it while a script waits; nothing is left of that; and start it again."""
    until(marker.exists)
    place.stop()
    assert not _left(place)
    assert not list((place.home / "serving").glob("*"))
    place.start()


def test_a_job_that_runs_is_killed_and_runs_again(place: Place) -> None:
    marker = _put_waiting(place)
    place.client("sagemaker").create_training_job(**place.job("one"))
    _restart_once(place, marker)
    place.wait("training_job_completed_or_stopped", **JOB)


def test_a_job_that_is_being_stopped_is_stopped_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "stop", lambda _runs, _name: None)  # it ends before it gets to it
    place.client("sagemaker").create_training_job(**place.job("one", seconds="600"))
    place.client("sagemaker").stop_training_job(**JOB)
    place.stop()
    monkeypatch.undo()
    place.start()
    describe = place.client("sagemaker").describe_training_job
    until(lambda: describe(**JOB)["TrainingJobStatus"] == "Stopped")


def test_an_endpoint_that_comes_up_is_killed_and_comes_up_again(place: Place) -> None:
    marker = _put_waiting(place)
    config = place.config("double", 2)
    place.client("sagemaker").create_endpoint(**ENDPOINT, EndpointConfigName=config)
    _restart_once(place, marker)
    place.wait("endpoint_in_service", **ENDPOINT)
    assert place.invoke("one", [1]) == [2]


def test_an_endpoint_that_moves_to_another_model_moves_later(place: Place) -> None:
    double = place.config("double", 2)
    place.client("sagemaker").create_endpoint(**ENDPOINT, EndpointConfigName=double)
    place.wait("endpoint_in_service", **ENDPOINT)
    marker = _put_waiting(place)
    triple = place.config("triple", 3)
    place.client("sagemaker").update_endpoint(**ENDPOINT, EndpointConfigName=triple)
    _restart_once(place, marker)
    place.wait("endpoint_in_service", **ENDPOINT)
    assert place.invoke("one", [1]) == [3]


@pytest.mark.parametrize("what", ["training-job", "endpoint"])
def test_what_waits_for_s3_starts_no_process_and_changes_nothing_after_the_end(
    place: Place, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    config = place.config("double", 2)
    arrived, opened, at_work = threading.Event(), threading.Event(), list[threading.Thread]()
    get = place.s3.get_object

    def slowly(**request: object) -> object:
        at_work.append(threading.current_thread())
        arrived.set()
        assert opened.wait(60)
        return get(**request)

    monkeypatch.setattr(place.s3, "get_object", slowly)
    if what == "endpoint":
        place.client("sagemaker").create_endpoint(**ENDPOINT, EndpointConfigName=config)
    else:
        place.client("sagemaker").create_training_job(**place.job("one"))
    assert arrived.wait(60)
    ending = threading.Thread(target=place.stop)
    ending.start()
    until(lambda: place.server.socket.fileno() < 0)
    before = Store(place.home / "state").all(what)
    opened.set()
    ending.join()
    assert not [thread for thread in at_work if thread.is_alive()]
    assert not _left(place)
    assert Store(place.home / "state").all(what) == before
    place.start()
    if what == "endpoint":
        place.wait("endpoint_in_service", **ENDPOINT)
    else:
        place.wait("training_job_completed_or_stopped", **JOB)


def test_the_files_of_a_stand_in_that_crashed_are_removed(place: Place) -> None:
    left = place.home / "serving" / "double-left"
    left.mkdir(parents=True)
    place.stop()
    place.start()
    assert not left.exists()


def test_an_endpoint_whose_model_cannot_be_read_for_a_while_answers_when_it_can(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = place.config("double", 2)
    place.client("sagemaker").create_endpoint(**ENDPOINT, EndpointConfigName=config)
    place.wait("endpoint_in_service", **ENDPOINT)
    place.stop()
    with monkeypatch.context() as away:
        away.setattr(place.s3, "get_object", _away)
        place.start()
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*cannot be read"):
            place.invoke("one", [1])
    assert place.invoke("one", [1]) == [2]


def _away(**request: object) -> object:
    raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
