"""The endpoint's contract: what it takes, and what it refuses with which words."""

import json

import pytest

from features.encoding import InstanceError
from ml import inference
from ml.artifact import ArtifactError
from tests.unit.ml.auctions import request


def test_a_single_object_is_one_instance(history):
    body = json.dumps(request(history[0]))
    assert inference.input_fn(body, "application/json; charset=utf-8") == [request(history[0])]


def test_ten_thousand_instances_are_answered_in_one_call(trained, history):
    instances = [request(r) for r in history[:10_000]]
    answer = inference.predict_fn(instances, trained[0])
    assert len(answer["predictions"]) == 10_000
    assert set(answer["predictions"][0]) == {"score", "predicted_label", "unseen"}


def test_no_instances_have_no_predictions(trained):
    assert inference.predict_fn([], trained[0]) == {"predictions": [], "model_version": "v1"}


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        ("1,2,3", "text/csv", "content type"),
        ("{", "application/json", "Expecting"),
        ("[]", "application/json", "not a JSON object"),
        ('{"instances": 3}', "application/json", "not an array"),
    ],
)
def test_what_is_no_request_is_refused(body, kind, problem):
    with pytest.raises(ValueError, match=problem):
        inference.input_fn(body, kind)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"winPrice": None}, "instance 1: winPrice is missing"),
        ({"winPrice": -1}, "instance 1: winPrice is negative"),
        ({"winPrice": "2000"}, "instance 1: winPrice is not a number"),
    ],
)
def test_an_instance_without_a_usable_price_is_named(trained, history, change, problem):
    with pytest.raises(InstanceError, match=problem):
        inference.predict_fn([request(history[0]), request(history[0], **change)], trained[0])


def test_a_folder_without_a_model_is_said_to_be_none(tmp_path):
    with pytest.raises(ArtifactError, match=r"fallback\.json"):
        inference.model_fn(str(tmp_path))


@pytest.mark.parametrize("name", ["model.ubj", "fallback.json", "metadata.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff not a model"])
def test_a_damaged_file_is_an_error_of_the_artifact(trained, tmp_path, name, content):
    trained[0].save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError):
        inference.model_fn(str(tmp_path))
