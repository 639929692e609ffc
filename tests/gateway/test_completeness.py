"""The account of packs is true: after an erased flash, an unset clock, a lost receipt, a restart of the gateway."""

import pytest

from bordstein_gateway.boards.ledger import LIFE_SHIFT, Missing, Next, missing
from bordstein_gateway.store import Gap, Store
from tests.gateway.packs import DAY, DEVICE, NOON, account, days, pack, read, state, write

HOUR = 3600


@pytest.fixture
def store(on_both: Store) -> Store:
    return on_both


def filled(store: Store, count: int = 20, boot: int = 1) -> None:
    """A board's numbers 0 … of this boot, an hour before noon."""
    assert set(write(store, [pack(boot, seq, at=NOON - HOUR + seq) for seq in range(count)])) == {"NEW"}


# --- an erased flash ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [16, 30])
@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "one by one"])
def test_a_board_with_an_erased_flash_has_no_gap(store: Store, count: int, together: bool) -> None:
    filled(store, 20)
    other = [pack(1, seq, at=NOON + seq, device="24a160000002") for seq in range(3)]
    packs = [pack(1, seq, at=NOON + seq) for seq in range(count)]
    for batch in [other + packs] if together else [other, *([one] for one in packs)]:
        assert set(write(store, batch)) == {"NEW"}
    found = account(store)
    assert (found.expected, found.arrived, found.missing) == (20 + count, 20 + count, 0)
    assert write(store, packs) == ["DOUBLE"] * count


def test_an_unreadable_pack_of_an_erased_board_is_in_its_new_life(store: Store) -> None:
    filled(store, 3)
    packs = [pack(1, seq, at=NOON + seq) for seq in range(6)]
    packs[4] = packs[4]._replace(pack=None, reason="damaged on its way", boot=1, seq=4)
    assert write(store, packs) == ["NEW"] * 4 + ["REFUSED", "NEW"]
    assert (account(store).arrived, account(store).missing) == (9, 0)


def test_packs_that_come_twice_in_one_commit_begin_no_life(store: Store) -> None:
    packs = [pack(1, seq, at=NOON + seq) for seq in range(10)]
    assert write(store, packs[:5] + packs) == ["NEW"] * 5 + ["DOUBLE"] * 5 + ["NEW"] * 5
    found = account(store)
    assert (found.arrived, found.missing, found.double) == (10, 0, 5)


def test_an_erased_board_without_a_clock_begins_its_life_with_its_first_pack(store: Store) -> None:
    filled(store, 10)
    for seq in range(3):
        assert write(store, [pack(1, seq, at=NOON + seq, clock="unset", value=30.5 + seq)], NOON + seq) == ["NEW"]
    for seq in range(3, 6):
        assert write(store, [pack(1, seq, at=NOON + seq)], NOON + seq) == ["NEW"]
    found = account(store)
    assert (found.expected, found.arrived, found.missing) == (16, 16, 0)


def test_what_an_erased_board_says_before_its_first_pack_is_no_gap_of_its_old_life(store: Store) -> None:
    write(store, [*(pack(1, seq, at=NOON - HOUR + seq) for seq in range(8)), state(next=(1, 10))])
    write(store, [state(next=(1, 16))])  # the flash was erased, and more packs wait than there ever were
    write(store, [pack(1, seq, at=NOON + seq) for seq in range(16)])
    assert account(store).gaps == [Gap(1, 8, 9)]  # these were in the flash


def test_an_erased_boards_smaller_next_hides_no_gap(store: Store) -> None:
    write(store, [*(pack(1, seq, at=NOON - HOUR + seq) for seq in range(8)), state(next=(1, 10))])
    write(store, [state(next=(1, 2))])
    assert account(store).gaps == [Gap(1, 8, 9)]
    write(store, [pack(1, 0, at=NOON)])
    assert account(store).gaps == [Gap(1, 8, 9), Gap(1, 1, 1)]


# --- the end of a boot ----------------------------------------------------------------------------------------------


def test_a_gap_at_a_boots_end_stays_when_the_next_boot_begins(store: Store) -> None:
    filled(store, 10)
    write(store, [state(next=(1, 15))])
    assert account(store).gaps == [Gap(1, 10, 14)]
    write(store, [pack(2, 0, at=NOON + 60), state(boot=2, next=(2, 1))], NOON + 60)
    assert account(store).gaps == [Gap(1, 10, 14)]


def test_a_gap_stays_on_its_day_when_the_broker_sends_the_state_again(store: Store) -> None:
    filled(store, 10)
    write(store, [state(next=(1, 15))])
    write(store, [state(next=(1, 15), retained=True)], NOON + 3 * DAY)
    assert [(day.day, day.missing) for day in days(store, NOON, NOON + 3 * DAY)] == [("2026-11-24", 5)]
    write(store, [state(next=(1, 16))], NOON + 3 * DAY)
    assert [day.missing for day in days(store, NOON, NOON + 3 * DAY)] == [0, 6]


def test_a_new_gateway_misses_nothing_from_before_it_knew_a_board(store: Store) -> None:
    write(store, [state(boot=7, next=(7, 120), retained=True)])
    assert account(store).missing == 0
    write(store, [pack(7, 118), state(boot=7, next=(7, 120))])
    assert account(store).gaps == [Gap(7, 119, 119)]


def test_a_boot_before_the_first_pack_is_not_missing() -> None:
    ends = [Next(6, 50, 1), Next(7, 9, 2), Next(8, 3, 3), Next(1 << LIFE_SHIFT | 1, 4, 4)]
    assert list(missing({}, ends)) == []
    assert list(missing({7: [[5, 6, 2]]}, ends)) == [Missing(7, 7, 8, 2), Missing(8, 0, 2, 3)]


# --- what could not be read -----------------------------------------------------------------------------------------


def test_a_number_that_could_not_be_read_begins_no_life_when_it_can(store: Store) -> None:
    filled(store, 5)
    good = pack(1, 5)
    refused = good._replace(pack=None, reason="the decoder was wrong", boot=1, seq=5)
    assert write(store, [refused]) == ["REFUSED"]
    assert write(store, [good]) == ["NEW"]
    write(store, [pack(1, 6)])
    found = account(store)
    assert (found.expected, found.arrived, found.missing, found.refused) == (7, 7, 0, 1)
    assert write(store, [pack(1, 5)]) == ["DOUBLE"]


def test_a_value_that_could_not_be_stored_begins_no_life_when_it_can(store: Store) -> None:
    good = pack(1, 0)
    assert good.pack is not None
    huge = good.pack.readings[0]._replace(value=2**70)
    bad = read("readings", good.payload)
    bad.pack.readings[0] = huge
    assert write(store, [bad]) == ["REFUSED"]
    assert write(store, [good, pack(1, 1, at=NOON + 1)]) == ["NEW", "NEW"]
    assert (account(store).arrived, account(store).missing) == (2, 0)


# --- a clock that is not sure ---------------------------------------------------------------------------------------


def test_a_pack_sent_again_with_an_estimated_time_counts_once(store: Store) -> None:
    assert write(store, [pack(3, 7, measured=NOON - HOUR)]) == ["NEW"]
    assert write(store, [pack(3, 7, measured=NOON - HOUR + 45, clock="estimated")]) == ["DOUBLE"]
    assert write(store, [pack(3, 8, measured=NOON - 50, clock="estimated")]) == ["NEW"]
    assert write(store, [pack(3, 8, measured=NOON - 5)]) == ["DOUBLE"]
    assert store.newest_id() == 2
    assert (account(store).arrived, account(store).double) == (2, 2)


def test_a_pack_sent_again_with_other_values_is_another_one(store: Store) -> None:
    assert write(store, [pack(1, 0, measured=NOON - HOUR)]) == ["NEW"]
    assert write(store, [pack(1, 0, measured=NOON - 50, clock="estimated", value=True)]) == ["NEW"]
    assert write(store, [pack(1, 0, measured=NOON - 90, clock="estimated", value=20.75)]) == ["NEW"]
    assert store.newest_id() == 3


BAY = {"series": "bay/parking_bay_occupied", "value": False}


@pytest.mark.parametrize("clock", ["unset", "set"])
def test_an_erased_boards_first_pack_is_stored_though_it_says_the_same(store: Store, clock: str) -> None:
    assert write(store, [pack(1, 0, clock="unset", **BAY)]) == ["NEW"]
    later = NOON + DAY
    assert write(store, [pack(1, 0, at=later, clock=clock, **BAY)], later) == ["NEW"]
    assert write(store, [pack(1, 0, at=later + 5, measured=-10, clock="unset", **BAY)], later + 5) == ["DOUBLE"]
    assert store.newest_id() == 2
    assert account(store, later).missing == 0


@pytest.mark.parametrize(
    ("boot", "at", "age"),
    [
        (1, NOON + 3 * DAY, 3 * DAY + 5),  # the board was cut off for days
        (1, NOON + HOUR, 5),  # the broker kept it while the gateway was away
        (2, NOON + 3 * DAY, 5),
    ],
)
def test_a_pack_without_a_clock_counts_once_however_late_it_comes_again(
    store: Store, boot: int, at: float, age: float
) -> None:
    assert write(store, [pack(boot, 0, clock="unset", **BAY)]) == ["NEW"]
    assert write(store, [pack(boot, 0, at=at, measured=-age, clock="unset", **BAY)], at) == ["DOUBLE"]
    assert store.newest_id() == 1 and store.devices()[0].device == DEVICE
