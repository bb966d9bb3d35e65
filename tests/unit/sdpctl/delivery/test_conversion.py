"""Records become rows in order; those that cannot are named, and cost the others nothing."""

import orjson
import pytest

from sdpctl.local.delivery import conversion
from sdpctl.local.delivery.conversion import MALFORMED, PARSE_ERROR, convert
from tests.unit.sdpctl.delivery.described import layout

POISON = [
    (b"\x00\xff", PARSE_ERROR, "malformed JSON"),
    (b'{"id":"x"', PARSE_ERROR, "malformed JSON"),
    (b'{"id":"\xff"}', PARSE_ERROR, "malformed JSON"),
    (b'{"ratio":NaN}', PARSE_ERROR, "malformed JSON"),
    (b"", MALFORMED, "empty"),
    (b" \n", MALFORMED, "empty"),
    (b"[]", MALFORMED, "no object"),
    (b"7", MALFORMED, "no object"),
    (b'{"id":{}}', MALFORMED, "'id' is string, not object"),
    (b'{"count":"7"}', MALFORMED, "'count' is bigint, not string"),
    (b'{"count":9223372036854775808}', MALFORMED, "'count' is bigint"),
    (b'{"good":[]}', MALFORMED, "'good' is boolean, not array"),
    (b'{"at":"yesterday"}', MALFORMED, "'at' is timestamp"),
    (b'{"source":{"number":"1"}}', MALFORMED, "'source' is bigint, not string"),
]


def _record(number: int) -> bytes:
    return orjson.dumps({"id": f"r-{number}", "count": number, "at": "2026-11-21T10:00:00Z"})


def test_rows_are_in_the_order_of_the_records_across_chunks() -> None:
    count = conversion.CHUNK * 2 + 1
    table, rejects = convert([_record(n) for n in range(count)], layout())
    assert rejects == []
    assert table["count"].to_pylist() == list(range(count))


def test_fields_that_are_no_columns_are_ignored_and_absent_ones_are_null() -> None:
    table, rejects = convert([b'{"id":"a","other":[1]}', b'{"count":null}'], layout())
    assert rejects == []
    assert table.select(["id", "count"]).to_pylist() == [
        {"id": "a", "count": None},
        {"id": None, "count": None},
    ]


@pytest.mark.parametrize(("poison", "code", "said"), POISON)
def test_one_poison_record_is_rejected_with_its_reason_and_the_rest_are_rows(
    poison: bytes, code: str, said: str
) -> None:
    table, rejects = convert([_record(0), poison, _record(2)], layout())
    assert table["count"].to_pylist() == [0, 2]
    assert [(r.index, r.code) for r in rejects] == [(1, code)]
    assert said in rejects[0].message


def test_rejects_of_every_kind_and_chunk_keep_their_index() -> None:
    records = [_record(n) for n in range(conversion.CHUNK + 20)]
    poison = {3: b"x", 5: b'{"id":[]}', 9: b'{"id":[],"count":"1"}', conversion.CHUNK + 7: b"[]"}
    for index, data in poison.items():
        records[index] = data
    table, rejects = convert(records, layout())
    assert [r.index for r in rejects] == list(poison)
    assert table["count"].to_pylist() == [n for n in range(len(records)) if n not in poison]


def test_nothing_but_poison_is_a_table_without_rows() -> None:
    table, rejects = convert([b"x", b"{}}", b"1"], layout())
    assert (table.num_rows, len(rejects)) == (0, 3)
    assert table.schema == layout().schema
