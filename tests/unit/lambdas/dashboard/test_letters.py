"""Dead letters over HTTP: each once, in groups, page by page, with their bytes."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lambdas.dashboard.lake import Lake, client, pages

PATH = "/dead-letters/factory"


@pytest.fixture
def lake() -> Lake:
    return Lake()


@pytest.fixture
def api(lake: Lake) -> TestClient:
    return client(lake)


def test_groups_count_each_letter_once_however_often_it_was_delivered(
    lake: Lake, api: TestClient
) -> None:
    lake.letter("a", times=3, field="/watts")
    lake.letter("b", field="/watts", ago=timedelta(minutes=5))
    lake.letter("c")
    lake.letter("d", stage="persist", reason="refused")
    answer = api.get(f"{PATH}/groups").json()
    assert answer == {
        "groups": [
            _group("flink", "malformed", None, 1, "11:59", "11:59"),
            _group("flink", "malformed", "/watts", 2, "11:55", "11:59"),
            _group("persist", "refused", None, 1, "11:59", "11:59"),
        ],
        "next": None,
    }


def _group(
    stage: str, reason: str, field: str | None, letters: int, oldest: str, newest: str
) -> dict[str, Any]:
    return {
        "stage": stage,
        "reason": reason,
        "field": field,
        "letters": letters,
        "oldest": f"2026-03-02T{oldest}:00.000Z",
        "newest": f"2026-03-02T{newest}:00.000Z",
    }


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["flink", "persist"]),
            st.sampled_from(["late", "malformed"]),
            st.sampled_from([None, "", "/a", "/b'", '/"b', "/é"]),
            st.integers(0, 2),  # minutes ago: many at one instant
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_pages_together_are_the_whole_also_where_letters_fail_at_one_instant(
    letters: list[tuple[str, str, str | None, int]], limit: int
) -> None:
    lake = Lake()
    for n, (stage, reason, field, ago) in enumerate(letters):
        minutes = timedelta(minutes=ago + 1)
        lake.letter(
            f"id-{n}", stage=stage, reason=reason, field=field, ago=minutes, times=n % 2 + 1
        )
    api = client(lake)
    listed = [x["id"] for x in pages(api, PATH, "letters", limit=limit)]
    assert sorted(listed) == sorted(f"id-{n}" for n in range(len(letters)))
    assert listed == [x["id"] for x in pages(api, PATH, "letters", limit=100)]
    groups = pages(api, f"{PATH}/groups", "groups", limit=limit)
    assert sum(g["letters"] for g in groups) == len(letters)
    for group in groups:
        query = {"stage": group["stage"], "reason": group["reason"], "field": group["field"] or ""}
        answer = api.get(PATH, params=query).json()["letters"]
        assert len(answer) == group["letters"]


def test_the_newest_comes_first_with_its_bytes_and_its_place(lake: Lake, api: TestClient) -> None:
    payload = base64.b64encode(b'{"a":1}').decode()
    lake.letter("old", ago=timedelta(hours=2))
    lake.letter("new", payload=payload, detail="it's wrong", event_id="e-1")
    first, second = api.get(PATH).json()["letters"]
    assert (first["id"], second["id"]) == ("new", "old")
    assert first["payload"] == payload
    assert first["payload_length"] == len(payload)
    assert first["detail"] == "it's wrong"
    assert first["source"] == {"stream": "readings", "shard": "shard-0", "sequence_number": "1"}
    assert first["failed_at"] == "2026-03-02T11:59:00.000Z"
    assert (second["payload"], second["payload_length"]) == (None, 0)


def test_a_list_leaves_out_a_large_payload_and_the_letter_alone_has_it(
    lake: Lake, api: TestClient
) -> None:
    payload = base64.b64encode(b"x" * 700_000).decode()
    lake.letter("a:b/c?d", payload=payload)
    (listed,) = api.get(PATH).json()["letters"]
    assert (listed["payload"], listed["payload_length"]) == (None, len(payload))
    (whole,) = api.get(PATH, params={"id": "a:b/c?d"}).json()["letters"]
    assert whole["payload"] == payload


def test_a_range_is_half_open_and_a_day_by_default(lake: Lake, api: TestClient) -> None:
    lake.letter("today", ago=timedelta(hours=23))
    lake.letter("before", ago=timedelta(hours=25))
    ids = lambda **q: [x["id"] for x in api.get(PATH, params=q).json()["letters"]]  # noqa: E731
    assert ids() == ["today"]
    assert ids(**{"from": "2026-03-01T11:00:00Z"}) == ["today", "before"]
    assert ids(**{"from": "2026-03-01T11:00:00Z", "to": "2026-03-01T13:00:00Z"}) == ["before"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"reason": "unknown"}, "reason"),
        ({"stage": "x"}, "stage"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-03-02T11:00:00Z", "to": "2026-03-02T10:00:00Z"}, "from"),
        ({"next": "x"}, "next"),
        ({"next": base64.urlsafe_b64encode(b'["","a"]').decode()}, "next"),
        ({"since": 1}, "since"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"id": ""}, "id"),
    ],
)
def test_a_wrong_parameter_is_named(api: TestClient, query: dict[str, Any], parameter: str) -> None:
    answer = api.get(PATH, params=query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == parameter


def test_a_token_of_another_query_is_refused(lake: Lake, api: TestClient) -> None:
    for n in range(3):
        lake.letter(str(n))
    token = api.get(PATH, params={"limit": 1}).json()["next"]
    answer = api.get(PATH, params={"limit": 1, "next": token, "reason": "malformed"})
    assert answer.status_code == 400
    assert "repeat all other parameters unchanged" in answer.json()["detail"]


def test_an_unknown_use_case_is_404_with_the_deployed_ones(api: TestClient) -> None:
    answer = api.get("/dead-letters/nothing/groups")
    assert answer.status_code == 404
    assert "deployed: factory" in answer.json()["detail"]


def test_a_lake_that_cannot_be_read_is_503_with_retry_after(lake: Lake, api: TestClient) -> None:
    lake.down = True
    answer = api.get(PATH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_quotes_in_a_filter_are_text(lake: Lake, api: TestClient) -> None:
    lake.letter("a", field="/x' OR '1'='1")
    lake.letter("b")
    found = api.get(PATH, params={"field": "/x' OR '1'='1"}).json()["letters"]
    assert [x["id"] for x in found] == ["a"]
    assert api.get(PATH, params={"field": "' OR TRUE --"}).json()["letters"] == []
