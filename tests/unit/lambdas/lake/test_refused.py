"""What Flink's JSON format certainly cannot read; all else is reported by the lake."""

import pytest

from glue.limits import RECORD_BYTES
from lambdas.lake.refused import Elsewhere
from tests.unit.lambdas.lake.shop import SHOP


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[1]",
        b'{"id":"1"}\n{"id":"2"}\n',
        b'{"id":"1","price":"dear"}',
        b'{"id":"1","price":[1]}',
        b'{"id":"1","price":true}',
        b'{"id":"1","price":9223372036854775808}',
        b'{"id":"1","at":1773050000000}',
        b'{"id":"1","at":"yesterday"}',
        b'{"id":"1","at":"2026-13-09T10:00:00Z"}',
        b'{"id":"1","occurred_at":"2026-03-09T10:00:00+01:00"}',
        b'{"id":"%s"}' % (b"x" * RECORD_BYTES),
    ],
)
def test_the_pipeline_reports_what_it_cannot_decode(data: bytes) -> None:
    assert Elsewhere(SHOP)("sales", data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"1","price":" 12 "}',
        b'{"id":"1","price":12.7}',
        b'{"id":1,"price":null}',
        b'{"id":{"a":1}}',
        b'{"id":"1","at":"2026-03-09T10:00:00.123456789Z"}',
        b'{"id":"1","more":[1]}',
    ],
)
def test_what_it_may_well_decode_is_not_left_to_it(data: bytes) -> None:
    assert not Elsewhere(SHOP)("sales", data)


def test_persist_reports_what_is_no_row_of_its_reports() -> None:
    row = b'{"price":1,"bucket":0,"sales":1,"version":1,"generation":0}'
    assert not Elsewhere(SHOP)("aggregates", row)
    assert Elsewhere(SHOP)("aggregates", row.replace(b'"sales":1', b'"sales":"many"'))


def test_nobody_else_reads_the_dead_letters() -> None:
    assert not Elsewhere(SHOP)("dead-letters", b"poison")
