"""Packs as a board sends them, read by the gateway's decoder as if they came in at any moment."""

import json
import time
from collections.abc import Iterable
from typing import Any

from bordstein_gateway.decode.messages import Messages
from bordstein_gateway.decode.normalise import device_name
from bordstein_gateway.store import Arrival, Completeness, StateReport, Store

DEVICE = "24a160000001"
NOON = 1_795_521_600  # 2026-11-24T12:00:00Z
DAY = 86_400

_messages = Messages("bordstein/v1")


def pack(
    boot: int | None,
    seq: int | None,
    *,
    at: float = NOON,
    measured: float | None = None,
    clock: str = "set",
    value: Any = 20.5,
    series: str = "air/air_temperature",
    device: str = DEVICE,
) -> Arrival:
    """Came in at `at`. `measured`: Unix seconds (without: `at`), or with an unset clock seconds relative to `at`."""
    records: list[dict[str, Any]] = [
        {"bn": device_name(device), "n": series, "vb" if isinstance(value, bool) else "v": value}
    ]
    if clock == "unset":
        records[0]["t"] = measured or -5
    else:
        records[0]["bt"] = int(at if measured is None else measured)
    numbers = {"boot": boot, "seq": seq}
    records += [{"n": name, "v": number} for name, number in numbers.items() if number is not None]
    if clock != "set":
        records.append({"n": "clock", "vs": clock})
    message = read("readings", json.dumps(records).encode(), at=at, device=device)
    assert isinstance(message, Arrival) and message.pack is not None, message
    return message


def state(word: str = "ready", *, boot: int = 1, next: tuple[int, int] | None = None, **more: Any) -> StateReport:
    retained = more.pop("retained", False)
    said = {"state": word, "boot": boot, **({"next": next} if next else {}), **more}
    message = read("state", json.dumps(said).encode(), retained=retained)
    assert isinstance(message, StateReport)
    return message


def read(kind: str, payload: bytes, *, at: float = NOON, device: str = DEVICE, retained: bool = False) -> Any:
    return _messages.read(f"bordstein/v1/{device}/{kind}".encode(), payload, retained, at)


def write(store: Store, messages: Iterable[Arrival | StateReport], at: float = NOON) -> list[str]:
    """In one commit; what became of the packs."""
    some = list(messages)
    arrivals = [message for message in some if isinstance(message, Arrival)]
    states = [message for message in some if isinstance(message, StateReport)]
    return [outcome.name for outcome in store.write(arrivals, states, (), int(at * 1000))]


def account(store: Store, at: float = NOON) -> Completeness:
    """Of the day of this moment; all zero when there is none."""
    (day,) = days(store, at, at) or [Completeness(DEVICE, "", 0, 0, 0, [], 0, 0, 0, 0)]
    return day


def days(store: Store, first: float, last: float) -> list[Completeness]:
    iso = [time.strftime("%Y-%m-%d", time.gmtime(moment)) for moment in (first, last)]
    return store.completeness(DEVICE, *iso)
