"""/app/devices: how the boards themselves are: battery, signal, memory, errors, software, configuration, roll-outs."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...store import audit
from ...store.types import Rollout
from ...texts import Sentence, both, said
from ..access import Refused
from ..overview import value_row
from ..pagetexts import measured
from .map import TONES, all_stands, asked, chosen, sorting
from .moments import age, iso, now_ms
from .rights import Right, User
from .site import Site
from .stands import KINDS, Stand, ordered

PATH = "/app/devices"
_SHOWN = ("battery_level", "voltage", "rssi", "heap_free")
"""Of its health, in columns."""
BOARD_STATES: dict[str, tuple[Sentence, str]] = {
    "waiting": (both("wartet", "waiting"), ""),
    "fetching": (both("lädt", "fetching"), "info"),
    "trying": (both("probiert", "trying"), "info"),
    "done": (both("fertig", "done"), "good"),
    "failed": (both("fehlgeschlagen", "failed"), "bad"),
    "refused": (both("abgelehnt", "refused"), "bad"),
    "replaced": (both("von einem späteren ersetzt", "replaced by a later one"), ""),
}


def routes(site: Site) -> list[Route]:
    async def show(request: Request, user: User) -> Response:
        lang, choice, order = site.language(request), chosen(request), request.query_params.get("sort", "state")
        everyone, rollouts = await asyncio.to_thread(lambda: (all_stands(site), site.store.rollouts()))
        some = ordered((one for one in everyone if choice.fits(one)), order)
        now = now_ms()
        return site.page(
            request,
            user,
            "devices/devices.html",
            rows=[row(one, lang, now) for one in some],
            total=len(everyone),
            figures=figures(everyone),
            versions=versions(everyone),
            rollouts=[(rollout, state_of(rollout)) for rollout in reversed(rollouts)],
            choice=choice,
            kinds=KINDS,
            tones=TONES,
            counts={kind: sum(one.kind == kind for one in everyone) for kind in KINDS},
            groups=sorted({group for one in everyone for group in one.station.groups}),
            properties=[],
            order=order,
            sorting=sorting(PATH, choice, order),
            chosen=bool(asked(choice)),
        )

    async def rollout(request: Request, user: User) -> Response:
        order = request.path_params["order"]
        found = await asyncio.to_thread(lambda: (site.store.rollout(order), site.store.rollout_boards(order)))
        one, boards = found
        if one is None:
            raise Refused(404, _no_order(order))
        stations = site.state.stations.all()
        names = {board.device: (stations[board.device].name if board.device in stations else None) for board in boards}
        return site.page(
            *(request, user, "devices/rollout.html"),
            rollout=one,
            state=state_of(one),
            boards=boards,
            names=names,
            states=BOARD_STATES,
        )

    async def stop(request: Request, user: User) -> Response:
        order = request.path_params["order"]

        def act() -> bool:
            done: bool = site.store.release_stop(order).result(30)
            if done:
                subject = f"roll-out {order}"
                site.store.submit(
                    lambda connection: audit.enter(connection, now_ms(), user.name, "stopped", subject)
                ).result(30)
            return done

        if not await asyncio.to_thread(act):
            return site.back(request, PATH, _no_order(order), bad=True)
        sentence = both(
            f"Auftrag {order} ist angehalten. Geräte, die schon fertig sind, bleiben es.",
            f"Order {order} is stopped. Devices that are through stay so.",
        )
        return site.back(request, f"{PATH}/rollouts/{order}", sentence)

    return [
        site.get(PATH, show),
        site.get(f"{PATH}/rollouts/{{order:int}}", rollout),
        site.post(f"{PATH}/rollouts/{{order:int}}/stop", stop, Right.ADMINISTER),
    ]


def _no_order(order: int) -> Sentence:
    return both(f"Es läuft kein Auftrag {order}.", f"There is no order {order} that runs.")


def row(one: Stand, lang: str, now: int) -> dict[str, Any]:
    """A line of the table."""
    shown = {}
    for name in _SHOWN:
        value = one.health.get(name)
        shown[name] = measured(value_row(value), lang) if value is not None else "–"
    errors = sum(
        value.value
        for name, value in one.health.items()
        if name.startswith("errors") and isinstance(value.value, int | float)
    )
    return {
        "device": one.device,
        "name": one.name,
        "kind": one.kind,
        "reasons": [said(reason, lang) for reason in one.reasons],
        "seen": one.seen,
        "age": age(now - one.seen, lang) if one.seen else None,
        "iso": iso(one.seen) if one.seen else None,
        "version": one.board.version if one.board else None,
        "dropped": one.board.dropped if one.board else None,
        "errors": int(errors),
        "config": config_state(one),
        **shown,
    }


def config_state(one: Stand) -> tuple[Sentence, str]:
    """In words, with a badge's tone."""
    config = one.config
    if config is None:
        return both("die eigene", "its own"), ""
    if config.ok is False:
        return both("abgelehnt", "refused"), "bad"
    if config.reported is not None and config.ok is None:
        return both("auf Probe", "on trial"), "info"
    if config.wanted is not None and config.reported != config.wanted:
        return both("noch nicht angekommen", "not there yet"), "info"
    if config.changed:
        return both("am Gerät geändert", "changed on the device"), "warn"
    return both(f"Version {config.running or 0}", f"version {config.running or 0}"), "good" if config.running else ""


def figures(everyone: Sequence[Stand]) -> dict[str, int]:
    """What the head of the page counts."""
    boards = [one.board for one in everyone if one.board is not None]
    return {
        "devices": len(everyone),
        "present": sum(board.present for board in boards),
        "silent": sum(one.kind == "silent" for one in everyone),
        "overdue": sum(board.overdue for board in boards),
        "refused": sum(one.config is not None and one.config.ok is False for one in everyone),
    }


def versions(everyone: Sequence[Stand]) -> list[tuple[str, int]]:
    """Software and how many devices run it, the most common first."""
    found: dict[str, int] = {}
    for one in everyone:
        if one.board is not None and one.board.version:
            found[one.board.version] = found.get(one.board.version, 0) + 1
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def state_of(rollout: Rollout) -> tuple[Sentence, str]:
    """In words, with a badge's tone."""
    if rollout.stopped is not None:
        return both("angehalten", "stopped"), "bad"
    if rollout.waiting + rollout.under_way:
        return both("läuft", "running"), "info"
    return both("fertig", "finished"), "good"
