"""Endpoints: they serve, move to other models without a failed call, and come back."""

import threading

import pytest
from botocore.exceptions import ClientError

from tests.sagemaker.conftest import Place, until

SWAPS = 10


def _create(place: Place, config: str) -> None:
    place.client("sagemaker").create_endpoint(EndpointName="one", EndpointConfigName=config)
    _await(place)


def _update(place: Place, config: str) -> None:
    place.client("sagemaker").update_endpoint(EndpointName="one", EndpointConfigName=config)
    _await(place)


def _await(place: Place) -> None:
    describe = place.client("sagemaker").describe_endpoint
    until(lambda: describe(EndpointName="one")["EndpointStatus"] == "InService")


def test_an_endpoint_answers_through_the_four_functions(place: Place) -> None:
    config = place.config("double", 2)
    place.client("sagemaker").create_endpoint(EndpointName="one", EndpointConfigName=config)
    place.wait("endpoint_in_service", EndpointName="one")
    assert place.invoke("one", [1, 2.5]) == [2, 5]


def test_a_model_may_bring_its_own_code(place: Place) -> None:
    _create(place, place.config("double", 2, own_code=True))
    assert place.invoke("one", [1]) == [2]


def test_an_update_changes_the_model(place: Place) -> None:
    _create(place, place.config("double", 2))
    _update(place, place.config("triple", 3))
    assert place.invoke("one", [1]) == [3]
    described = place.client("sagemaker").describe_endpoint(EndpointName="one")
    assert described["EndpointConfigName"] == "triple"


def test_no_call_fails_during_swaps(place: Place) -> None:
    _create(place, place.config("double", 2))
    place.config("triple", 3)
    answers: list[object] = []
    ended = threading.Event()

    def call() -> None:
        runtime = place.client("sagemaker-runtime")
        while not ended.is_set():
            try:
                said = runtime.invoke_endpoint(
                    EndpointName="one", Body="[1]", ContentType="application/json"
                )
                answers.append(said["Body"].read())
            except ClientError as error:
                answers.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for swap in range(SWAPS):
        _update(place, "double" if swap % 2 else "triple")
    ended.set()
    for caller in callers:
        caller.join()
    assert set(map(str, answers)) == {"b'[2]'", "b'[3]'"}


def test_a_model_that_cannot_be_loaded_does_not_take_over(place: Place) -> None:
    _create(place, place.config("double", 2))
    _update(place, place.config("corrupt", None))
    described = place.client("sagemaker").describe_endpoint(EndpointName="one")
    assert described["EndpointConfigName"] == "double"
    assert "not a tar.gz archive" in described["FailureReason"]
    assert place.invoke("one", [1]) == [2]


def test_an_endpoint_that_cannot_be_created_has_failed(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    config = place.config("corrupt", None)
    sagemaker.create_endpoint(EndpointName="one", EndpointConfigName=config)
    until(lambda: sagemaker.describe_endpoint(EndpointName="one")["EndpointStatus"] == "Failed")
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        place.invoke("one", [1])


def test_what_the_script_raises_is_a_model_error(place: Place) -> None:
    _create(place, place.config("double", 2))
    runtime = place.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError, match="AssertionError: text/csv"):
        runtime.invoke_endpoint(EndpointName="one", Body="1", ContentType="text/csv")


def test_an_endpoint_whose_process_died_answers_the_next_call(place: Place) -> None:
    _create(place, place.config("double", 2))
    worker = place.server.endpoints._workers["one"]
    worker.process.kill()
    worker.process.wait()
    assert place.invoke("one", [1]) == [2]


def test_endpoints_come_back_after_a_restart(place: Place) -> None:
    _create(place, place.config("double", 2))
    place.stop()
    place.start()
    assert place.invoke("one", [1]) == [2]


def test_a_deleted_endpoint_is_gone(place: Place) -> None:
    _create(place, place.config("double", 2))
    sagemaker = place.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="one")
    place.wait("endpoint_deleted", EndpointName="one")
    with pytest.raises(ClientError, match="ValidationError"):
        place.invoke("one", [1])
    sagemaker.delete_endpoint_config(EndpointConfigName="double")
    sagemaker.delete_model(ModelName="double")
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.describe_model(ModelName="double")


def test_a_configuration_needs_its_model_and_names_are_taken_once(place: Place) -> None:
    place.config("double", 2)
    sagemaker = place.client("sagemaker")
    variant = {"VariantName": "primary", "ModelName": "none"}
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.create_endpoint_config(EndpointConfigName="x", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="already existing model"):
        place.config("double", 2)
