"""What `forward list` says of a target, for machines and for people."""

import time
from typing import Any

from ..config import durations
from ..forward.standing import Standing, share
from ..store import Pause
from ..texts import pick, said
from .common import iso


def row(one: Standing, kind: str) -> dict[str, Any]:
    """For machines."""
    pause = one.pause
    return {
        "name": one.name,
        "kind": kind,
        "state": one.state,
        "trouble": one.trouble or None,
        "paused": _pause(pause) if pause else None,
        "waiting": one.waiting,
        "oldest": _iso(one.oldest_since),
        "live": {"waiting": one.live, "oldest": _iso(one.live_since)},
        "backfill": {"waiting": one.backfill, "of": one.backfill_total},
        "refills": [
            {
                "id": refill.id,
                "from": iso(refill.from_ms / 1000),
                "to": iso(refill.to_ms / 1000),
                "done": None if (part := share(refill)) is None else round(part, 3),
            }
            for refill in one.refills
        ],
        "dead": one.dead,
        "rate": one.rate,
        "last_success": _iso(one.last_success),
    }


def _pause(pause: Pause) -> dict[str, Any]:
    return {
        "since": iso(pause.since / 1000),
        "until": None if pause.until is None else iso(pause.until / 1000),
        "reason": pause.reason or None,
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def line(one: Standing) -> dict[str, Any]:
    """For people."""
    states = {
        "running": pick("läuft", "running"),
        "paused": pick("Pause", "paused"),
        "trouble": pick("Störung", "fault"),
    }
    age = "" if one.oldest_since is None else durations.rough(time.time() - one.oldest_since)
    return {
        "name": one.name,
        "state": states[one.state],
        "waiting": one.waiting,
        "age": age,
        "dead": one.dead,
        "rate": f"{one.rate:.1f}",
        "note": _note(one),
    }


def _note(one: Standing) -> str:
    """What else there is to say, in sentences."""
    said_of = []
    if one.pause is not None:
        until = "" if one.pause.until is None else pick(" bis ", " until ") + iso(one.pause.until / 1000)
        why = f": {one.pause.reason}" if one.pause.reason else ""
        said_of.append(pick("Pause seit ", "paused since ") + iso(one.pause.since / 1000) + until + why)
    if one.trouble:
        said_of.append(said(one.trouble).rstrip("."))
    if one.backfill:
        of = f"{one.backfill} / {one.backfill_total}"
        said_of.append(pick(f"Nachholen: noch {of}", f"back-fill: {of} left"))
    for refill in one.refills:
        part = share(refill)
        done = "" if part is None else f" {part:.0%}"
        said_of.append(pick(f"Nachsendung {refill.id}:{done}", f"refill {refill.id}:{done}"))
    last = pick("noch nie", "never yet") if one.last_success is None else iso(one.last_success)
    said_of.append(pick(f"zuletzt angenommen: {last}", f"last accepted: {last}"))
    return "; ".join(said_of)
