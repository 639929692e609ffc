"""The parts of `make bench` that count by themselves."""

from tests.bench.firmware.heap import smallest
from tests.bench.firmware.wire import Records


def test_the_smallest_size_that_goes_well_is_found_to_a_step() -> None:
    for limit in (1, 300, 777, 4000):
        found = smallest(lambda size, limit=limit: size if size >= limit else None, 0, 4096, 16)
        assert limit <= found <= limit + 16
    assert smallest(lambda _: None, 0, 4096, 16) is None


def test_tls_records_are_counted_in_pieces_of_any_size() -> None:
    up = b"\x16\x03\x03\x00\x02ab" + b"\x17\x03\x03\x01\x00" + bytes(256) + b"\x17\x03\x03\x00\x00"
    for piece in (1, 4, 300):
        records = Records()
        for at in range(0, len(up), piece):
            records(True, up[at : at + piece])
        records(False, b"\x15\x03\x03\x00\x01x")
        assert records.bytes(Records.HANDSHAKE) == 7 + 6
        assert records.bytes(Records.DATA) == 261 + 5
        records(True, b"")
        assert not records.over
        records(False, b"")
        assert records.over
