"""Which packs are here, and which are missing: against a model that keeps every number."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bordstein_gateway.boards.ledger import merge
from bordstein_gateway.ingest.receipts import MOST_RANGES, PAUSE_S, Receipts

NUMBERS = st.sets(st.integers(0, 300), max_size=120)


@given(NUMBERS)
def test_ranges_hold_exactly_the_numbers_they_were_made_from(numbers: set[int]) -> None:
    ranges = list(merge(numbers))
    assert [n for lo, hi in ranges for n in range(lo, hi + 1)] == sorted(numbers)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 400)), max_size=200))
def test_receipts_name_each_pack_and_no_other(packs: list[tuple[int, int]]) -> None:
    receipts, named = Receipts(), set()
    for boot, seq in packs:
        receipts.add("d", boot, seq)
    now = 0.0
    while len(receipts):
        for device, payload in receipts.take(now, 1_795_000_000):
            assert device == "d"
            said = json.loads(payload)
            ranges = [(said["boot"], said.get("from", 0), said["seq"]), *said.get("more", [])]
            assert len(ranges) <= MOST_RANGES
            named |= {(boot, seq) for boot, lo, hi in ranges for seq in range(lo, hi + 1)}
        now += PAUSE_S
    assert named == set(packs)


def test_a_board_gets_one_receipt_a_second_at_most() -> None:
    receipts = Receipts()
    receipts.add("d", 1, 0)
    assert len(list(receipts.take(10.0, 0))) == 1
    receipts.add("d", 1, 1)
    assert list(receipts.take(10.0 + PAUSE_S / 2, 0)) == []
    assert receipts.wait(10.0 + PAUSE_S / 2) == PAUSE_S / 2
    assert len(list(receipts.take(10.0 + PAUSE_S, 0))) == 1
    assert receipts.wait(99.0) is None
