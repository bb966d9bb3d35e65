"""Rows become the same vectors everywhere, from what history says."""

import json
import math
from dataclasses import replace

import pytest

from features.definition import Definition, Hashed, Input, Log, Numeric, Relative
from features.encoding import (
    Encoder,
    Historian,
    History,
    InstanceError,
    fingerprint,
    request_columns,
)

DEFINITION = Definition(
    name="stay",
    record="Visit",
    key="id",
    time="at",
    label="stayed",
    segment="gate",
    inputs=(Input("gate", "gateName"), Input("team", "team"), Input("grams", "grams")),
    features=(
        Hashed("gate", buckets=97),
        Hashed("team"),
        Numeric("grams"),
        Log("grams"),
        Relative("grams", to="gate"),
    ),
)
ROWS = {"gate": ["north", "north", "south"], "team": ["red", None, "blue"], "grams": [10, 20, 70]}


def _encoder(rows=ROWS):
    historian = Historian(DEFINITION)
    historian.add(rows)
    return Encoder(DEFINITION, historian.history())


def _one(encoder, **row):
    columns = {"gate": ["north"], "team": ["red"], "grams": [10]}
    return [v[0] for v in encoder.encode(columns | {k: [v] for k, v in row.items()})]


def test_a_text_has_the_same_fingerprint_in_every_process():
    assert fingerprint("north") == 6164347370713582292


def test_each_kind_of_feature_is_computed():
    gate, team, grams, log, relative = _one(_encoder())
    assert gate == fingerprint("north") % 97
    assert team == fingerprint("red") % 4096
    assert (grams, log) == (10, math.log1p(10))
    assert relative == pytest.approx(math.log1p(10) - (math.log1p(10) + math.log1p(20)) / 2)


def test_a_number_and_its_text_are_one_category():
    encoder = _encoder({"gate": [17, 18], "team": ["red", "red"], "grams": [1, 2]})
    assert _one(encoder, gate=17) == _one(encoder, gate="17")
    assert encoder.unseen({"gate": ["17"], "team": ["red"], "grams": [1]}) == [[]]


def test_what_was_never_seen_is_absent_and_said_by_its_name_in_the_request():
    encoder = _encoder()
    gate, team, _, _, relative = _one(encoder, gate="west", team=None)
    assert math.isnan(gate)
    assert math.isnan(team)
    overall = sum(map(math.log1p, ROWS["grams"])) / 3
    assert relative == pytest.approx(math.log1p(10) - overall)
    rows = {"gate": ["west", "north"], "team": ["green", ""], "grams": [1, 2]}
    assert encoder.unseen(rows) == [["gateName", "team"], []]


def test_history_survives_json_and_equal_history_is_equal_bytes():
    encoder = _encoder()
    written = json.dumps(encoder.history.to_json())
    read = Encoder(DEFINITION, History.from_json(json.loads(written)))
    assert _one(read) == _one(encoder)
    backwards = {name: values[::-1] for name, values in ROWS.items()}
    seen = _encoder(backwards).history.to_json()["seen"]
    assert json.dumps(seen) == json.dumps(encoder.history.to_json()["seen"])


def test_a_history_gathered_in_parts_is_that_of_the_whole():
    historian = Historian(DEFINITION)
    for row in range(3):
        historian.add({name: values[row : row + 1] for name, values in ROWS.items()})
    assert historian.history().to_json() == _encoder().history.to_json()


def test_without_rows_there_is_a_history_of_nothing():
    encoder = Encoder(DEFINITION, Historian(DEFINITION).history())
    assert _one(encoder)[4] == math.log1p(10)


@pytest.mark.parametrize(
    ("instance", "field", "problem"),
    [
        ({"gateName": "north"}, "grams", "missing"),
        ({"grams": "ten"}, "grams", "not a number"),
        ({"grams": True}, "grams", "not a number"),
        ({"grams": -1}, "grams", "negative"),
        ({"grams": float("nan")}, "grams", "not finite"),
        ({"grams": 10**400}, "grams", "not finite"),
        ({"grams": 1, "gateName": ["north"]}, "gateName", "neither text"),
        (17, "it", "not an object"),
    ],
)
def test_an_instance_that_no_vector_can_be_made_of_is_named(instance, field, problem):
    with pytest.raises(InstanceError, match=problem) as caught:
        request_columns(DEFINITION, [{"grams": 1}, instance])
    assert (caught.value.index, caught.value.field) == (1, field)


def test_a_number_may_be_negative_where_no_feature_is_its_logarithm():
    plain = replace(DEFINITION, features=(Hashed("gate"), Numeric("grams")))
    assert plain.unsigned == () and DEFINITION.unsigned == ("grams",)
    columns = request_columns(plain, [{"grams": -2.5}])
    encoder = Encoder(plain, Historian(plain).history())
    assert encoder.encode(columns)[1].tolist() == [-2.5]


def test_text_that_is_no_unicode_is_a_category_like_any_other():
    assert _encoder().unseen({"gate": ["\ud800"], "team": [None], "grams": [1]}) == [["gateName"]]
