"""Frame counters as running numbers: whatever is lost, repeated or restarted, the account is right."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.inputs.sessions import Sessions
from bordstein_gateway.store import Arrival, Store
from tests.gateway.inputs import EUI, LORA, TOPIC, inputs, join, read, uplink
from tests.gateway.packs import DAY, NOON

MINUTE = 60_000


def numbers(sessions: Sessions, *uplinks: tuple[str, int, int]) -> list[tuple[int | None, int | None]]:
    """(key, counter, minute) of uplinks to (boot, seq)."""
    return [sessions.number(EUI, key, count, minute * MINUTE)[:2] for key, count, minute in uplinks]


def test_sixteen_bit_counters_roll_over_within_a_boot() -> None:
    found = numbers(Sessions(), ("1", 65_530, 0), ("1", 65_535, 20), ("1", 2, 40), ("1", 65_535, 20), ("1", 3, 60))
    assert found == [(2, 65_530), (2, 65_535), (2, 65_538), (2, 65_535), (2, 65_539)]


def test_thirty_two_bit_counters_roll_over_too() -> None:
    found = numbers(Sessions(), ("1", 2**32 - 2, 0), ("1", 1, 20), ("1", 2, 40))
    assert found == [(2, 2**32 - 2), (2, 2**32 + 1), (2, 2**32 + 2)]


def test_a_counter_that_begins_anew_without_a_join_is_a_new_boot() -> None:
    found = numbers(Sessions(), ("1", 500, 0), ("1", 0, 20), ("1", 500, 0), ("1", 1, 40), ("1", 0, 60), ("1", 0, 80))
    assert found == [(2, 500), (3, 0), (2, 500), (3, 1), (4, 0), (5, 0)]


def test_a_new_address_is_a_new_boot_and_what_nobody_remembers_has_no_number() -> None:
    sessions = Sessions()
    assert numbers(sessions, ("1", 7, 10), ("2", 0, 20), ("1", 6, 9)) == [(2, 7), (3, 0), (2, 6)]
    assert numbers(sessions, ("0", 7, 5)) == [(None, None)]


def test_joins_that_no_uplink_followed_take_no_boot() -> None:
    sessions = Sessions()
    assert sessions.joined(EUI, "1", 1) and sessions.joined(EUI, "2", 2) and not sessions.joined(EUI, "1", 1)
    assert numbers(sessions, ("2", 0, 1)) == [(1, 0)]
    assert sessions.joined(EUI, "3", 2 * MINUTE)
    assert numbers(sessions, ("3", 0, 3), ("2", 1, 1)) == [(2, 0), (1, 1)]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_is_delivered_again_keeps_its_number(data: Any) -> None:
    """A life of sessions, resets and roll-overs; then any of its last part comes again, after any stop."""
    sessions, life, minute, count, key = Sessions(), [], 0, data.draw(st.integers(0, 70_000)), 0
    for step in data.draw(st.lists(st.sampled_from(["next", "next", "next", "lost", "joined", "reset"]), max_size=30)):
        minute += 15
        if step == "joined":
            key += 1
            sessions.joined(EUI, str(key), minute * MINUTE)
        count = 0 if step in ("joined", "reset") else count + (1 if step == "next" else data.draw(st.integers(2, 500)))
        life.append((str(key), count % 65_536, minute))
        numbers_before = numbers(sessions, life[-1])
        if len(life) > 1 and data.draw(st.booleans()):
            assert numbers(sessions, life[-1]) == numbers_before
    first = Sessions()
    seen = numbers(first, *life)
    assert len(set(seen)) == len(seen)
    kept = {one for one in seen if one[0] is not None and one[0] > seen[-1][0] - 5} if seen else set()
    again = [(number, one) for number, one in zip(seen, life, strict=True) if number in kept]
    assert numbers(first, *(one for _, one in again)) == [number for number, _ in again]
    assert numbers(first, (str(key), 60_000, minute + 15))[0] not in seen


def test_the_stores_account_shows_the_gap_and_survives_restarts(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    sent = [(5, 0), (6, 600), (9, 2400), (9, 2400), (10, 3000)]
    for count, second in sent:  # a gateway that is started anew for each
        store = Store.open(path)
        some = inputs(LORA, store)
        _store(some, store, TOPIC + "up", uplink(count, at=NOON + second, fields={"fill_pct": count}))
        store.close()
    store = Store.open(path)
    some = inputs(LORA, store)
    _store(some, store, TOPIC + "join", join(NOON + 3600, "new"))
    _store(some, store, TOPIC + "up", uplink(1, at=NOON + 4200, address="new", fields={"fill_pct": 1}))
    (day,) = store.completeness(EUI, "2026-11-24", "2026-11-24")
    assert (day.expected, day.arrived, day.missing, day.double, day.numbered) == (8, 5, 3, 1, True)
    assert [tuple(gap) for gap in day.gaps] == [(2, 7, 8), (3, 0, 0)]
    assert len({(one.series, one.time) for one in store.readings_after(0, 100)}) == store.newest_id() == 5 * 3
    store.close()


def test_a_batch_that_was_put_back_leaves_no_trace(store: Store) -> None:
    some = inputs(LORA, store)
    assert _numbers(read(some, TOPIC + "up", uplink(5, fields={"fill_pct": 1}))) == (2, 5)
    some.forget()
    assert _numbers(read(some, TOPIC + "join", join(NOON - DAY, "0189ea12"))) is None
    assert _numbers(read(some, TOPIC + "up", uplink(5, fields={"fill_pct": 1}))) == (1, 5)
    some.flush()
    some.forget()
    assert _numbers(read(some, TOPIC + "up", uplink(6, at=NOON + 60, fields={"fill_pct": 1}))) == (1, 6)


@pytest.mark.parametrize("again", [False, True])
def test_an_uplink_from_the_quarantine_is_stored_once_a_map_is_there(store: Store, again: bool) -> None:
    payload = uplink(5, fields={"fill_pct": 50})
    without = inputs(LORA.replace("bin*", "other"), store)
    refused = read(without, TOPIC + "up", payload)
    without.flush()
    assert store.write([refused], now_ms=NOON * 1000)[0].name == "REFUSED" and store.quarantined()[0].device == EUI
    read_again = read(inputs(LORA, store), TOPIC + "up", payload)
    assert store.write([read_again._replace(again=again)], now_ms=NOON * 1000)[0].name == "NEW"
    (day,) = store.completeness(EUI, "2026-11-24", "2026-11-24")
    assert (day.expected, day.arrived, day.missing) == (1, 1, 0)


def _store(some: Any, store: Store, topic: str, payload: bytes) -> None:
    message = read(some, topic, payload, at=NOON + 2 * 3600)
    some.flush()
    store.write([message] if isinstance(message, Arrival) else [])


def _numbers(message: Any) -> Any:
    return message if message is None else (message.pack.boot, message.pack.seq)


def test_a_device_that_moves_to_another_network_server_goes_on_in_a_new_boot(store: Store) -> None:
    some = inputs(LORA + '[ttn]\nkind = "tts"\n[[ttn.map]]\n[ttn.map.values]\nfill = "bin/fill_level"\n', store)
    _store(some, store, TOPIC + "up", uplink(500, fields={"fill_pct": 50}))
    message = {
        "end_device_ids": {"device_id": "bin", "dev_eui": EUI.upper(), "dev_addr": "260B5972"},
        "uplink_message": {
            "frm_payload": "AQ==",
            "decoded_payload": {"fill": 1},
            "received_at": "2026-11-24T13:00:00Z",
        },
    }
    found = read(some, "v3/app@ttn/devices/bin/up", message, at=NOON + 3600)
    assert _numbers(found) == (3, 0)
    assert _numbers(read(some, TOPIC + "up", uplink(500, fields={"fill_pct": 50}))) == (2, 500)
