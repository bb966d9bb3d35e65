"""What a shard takes and serves in a second."""

from sdpctl.local.shard_rates import READ_BYTES, WRITE_BYTES, Shard


def test_a_shard_takes_a_thousand_records_a_second() -> None:
    shard = Shard()
    assert sum(shard.takes(10, 5.0) for _ in range(3_000)) == 1_000
    assert sum(shard.takes(10, 5.5) for _ in range(3_000)) == 500
    assert sum(shard.takes(10, 60.0) for _ in range(3_000)) == 1_000


def test_a_shard_takes_a_mebibyte_a_second_and_a_record_of_that_size() -> None:
    shard = Shard()
    assert shard.takes(WRITE_BYTES, 1.0)
    assert not shard.takes(1, 1.0)
    assert shard.takes(1, 1.5)
    tenths = [shard.takes(WRITE_BYTES, 10 + n / 10) for n in range(100)]
    assert 9 <= sum(tenths) <= 11


def test_a_shard_answers_five_reads_in_any_second() -> None:
    shard = Shard()
    answered = [n for n in range(24) if shard.may_read(n / 8, any_bytes=False)]
    assert answered == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 16, 17, 18, 19, 20]


def test_after_ten_mebibytes_a_shard_serves_nobody_for_seconds() -> None:
    shard = Shard()
    assert shard.may_read(0.0, any_bytes=False)
    shard.serve(5 * READ_BYTES)
    assert not any(shard.may_read(n / 2, any_bytes=False) for n in range(8))
    assert shard.may_read(4.5, any_bytes=False)


def test_an_on_demand_stream_serves_any_number_of_bytes_in_five_reads() -> None:
    shard = Shard()
    for _ in range(5):
        assert shard.may_read(0.0, any_bytes=True)
        shard.serve(5 * READ_BYTES)
    assert not shard.may_read(0.0, any_bytes=True)
