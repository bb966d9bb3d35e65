"""A function's report of failed records, as Lambda reads it."""

import pytest

from sdpctl.local.batch_failures import first_failed


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (None, None),
        ("", None),
        ({}, None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": None}, None),
        ('{"batchItemFailures": [{"itemIdentifier": "3"}]}', 2),
        ({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"id": "3"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "4"}]}, 0),
        ({"batchItemFailures": "3"}, 0),
        ("done", 0),
        ([], 0),
    ],
)
def test_the_first_record_to_deliver_again(answer: object, first: int | None) -> None:
    assert first_failed(answer, ["1", "2", "3"]) == first
