"""`bordstein-gateway release …`: signed software for boards."""

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from ..boards.devices import is_board
from ..boards.stations import Stations
from ..config import config
from ..store import Rollout, Store
from ..texts import pick
from .common import (
    DEFAULT_CONFIG,
    LARGEST,
    WAIT_S,
    ConfigOption,
    Failed,
    JsonOption,
    iso,
    misuse,
    open_store,
    output,
    show,
)

app = typer.Typer(
    help=pick("Signierte Software für die Boards.", "Signed software for boards."),
    no_args_is_help=True,
)
Order = Annotated[
    int | None,
    typer.Argument(metavar="[ORDER]", min=1, max=LARGEST, help=pick("Nummer des Auftrags.", "The order's number.")),
]


@app.command(
    help=pick(
        "Ein Release für ausgewählte Boards freigeben. Ein laufendes Gateway bietet es binnen Sekunden an.",
        "Publish a release to chosen boards. A running gateway offers it, within seconds.",
    )
)
def publish(
    file: Annotated[Path, typer.Argument(help=pick("Die Datei von „make release“.", 'The file of "make release".'))],
    path: ConfigOption = DEFAULT_CONFIG,
    devices: Annotated[
        list[str] | None, typer.Option("--device", help=pick("Dieses Board; mehrfach.", "This board; repeatable."))
    ] = None,
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", help=pick("Boards in dieser Gruppe; mehrfach.", "Boards in this group; repeatable.")),
    ] = None,
    percent: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100,
            help=pick(
                "Dieser Teil davon, sonst aller; mehr Prozent schließen die vorigen ein.",
                "This part of them, else of all; a larger one includes the boards of a smaller.",
            ),
        ),
    ] = None,
    failures: Annotated[
        float,
        typer.Option(
            min=0, max=100, help=pick("Bei mehr Prozent Fehlschlägen hält es an.", "More per cent of failures stop it.")
        ),
    ] = 10,
    least: Annotated[
        int, typer.Option(min=1, max=100_000, help=pick("… und mindestens so vielen.", "… and at least so many."))
    ] = 3,
    at_once: Annotated[
        int, typer.Option(min=1, max=100_000, help=pick("Boards zur selben Zeit.", "Boards at the same time."))
    ] = 20,
) -> None:
    from ..boards import releases

    settings = config.load(path)
    if not devices and not groups and percent is None:
        misuse(
            "für wen? --device, --group oder --percent (100 für alle)",
            "for whom? --device, --group or --percent (100 for all)",
            "--device",
        )
    with open_store(settings) as store:
        chosen = _chosen(settings, store, devices or [], groups or [])
        try:
            pack = releases.inspect(file)
        except releases.PackError as error:
            raise Failed(str(error)) from None
        kinds = {device.device: device.report.get("board") for device in store.devices()}
        others = [device for device in chosen if kinds.get(device) and kinds[device] not in pack.boards]
        chosen = _part([device for device in chosen if device not in others], percent, pack.version)
        if not chosen:
            kinds_of_pack = ", ".join(pack.boards)
            raise Failed(
                pick(
                    f"kein ausgewähltes Board ist eines von {kinds_of_pack}",
                    f"none of the chosen boards is one of {kinds_of_pack}",
                )
            )
        try:
            releases.keep(file, pack, settings.releases_path)
        except OSError as error:
            raise Failed(
                pick(
                    f"{settings.releases_path} ist nicht schreibbar ({error.strerror}).",
                    f"{settings.releases_path} can't be written ({error.strerror}).",
                )
            ) from None
        order = store.release_publish(
            pack.version, pack.digest, chosen, percent=failures, least=least, at_once=at_once
        ).result(WAIT_S)
    output(
        pick(
            f"Auftrag {order}: Release {pack.version} für {len(chosen)} Boards",
            f"order {order}: release {pack.version} for {len(chosen)} boards",
        )
    )
    if others:
        output(
            pick(
                f"nicht für {', '.join(others)}: eine andere Art von Board",
                f"not for {', '.join(others)}: another kind of board",
            )
        )


def _chosen(settings: config.Config, store: Store, devices: list[str], groups: list[str]) -> list[str]:
    stations = Stations(settings.devices, store).all()
    known = {name for name in stations.keys() | {device.device for device in store.devices()} if is_board(name)}
    gone = {name for name in known if name in stations and stations[name].decommissioned}
    for device in devices:
        if device not in known:
            raise Failed(pick(f"das Board {device} ist nicht bekannt", f"there is no board {device}"))
    chosen = set(devices)
    for group in groups:
        members = {name for name in known & stations.keys() if group in stations[name].groups} - gone
        if not members:
            raise Failed(pick(f"kein Board hat die Gruppe {group}", f"no board has the group {group}"))
        chosen |= members
    return sorted(chosen or known - gone)


def _part(devices: list[str], percent: float | None, version: str) -> list[str]:
    """The same boards whoever asks, but for each release others are the first."""
    if percent is None:
        return devices
    mixed = sorted(devices, key=lambda device: hashlib.sha256(f"{version} {device}".encode()).digest())
    return sorted(mixed[: math.ceil(len(mixed) * percent / 100)])


@app.command(
    help=pick("Wie weit die Aufträge sind; mit Nummer: jedes Board.", "How far orders are; with a number: each board.")
)
def status(order: Order = None, path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    with open_store(config.load(path)) as store:
        rollouts = store.rollouts()
        if order is not None and order not in {rollout.order for rollout in rollouts}:
            raise Failed(_unknown(order))
        rows = [_order(rollout) for rollout in rollouts]
        if order is not None:
            rows = [
                {"device": board.device, "state": board.state, "time": iso(board.changed / 1000), "reason": board.why}
                for board in store.rollout_boards(order)
            ]
    show(rows, as_json, pick("noch kein Release wurde freigegeben", "no release was published yet"))


@app.command(
    help=pick(
        "Einen Auftrag anhalten; ohne Nummer den neuesten. Wer schon fertig ist, bleibt es.",
        "Stop an order, without a number the newest. Boards that are through stay so.",
    )
)
def stop(order: Order = None, path: ConfigOption = DEFAULT_CONFIG) -> None:
    with open_store(config.load(path)) as store:
        running = [rollout.order for rollout in store.rollouts() if rollout.stopped is None]
        if order is None:
            if not running:
                raise Failed(pick("es läuft kein Auftrag", "no order is running"))
            order = running[-1]
        if not store.release_stop(order).result(WAIT_S):
            raise Failed(_unknown(order))
    output(pick(f"Auftrag {order} angehalten", f"order {order} stopped"))


def _unknown(order: int) -> str:
    return pick(f"es läuft kein Auftrag {order}", f"there is no order {order} that runs")


def _order(rollout: Rollout) -> dict[str, Any]:
    state = "stopped" if rollout.stopped is not None else "runs" if rollout.waiting + rollout.under_way else "finished"
    return {
        "order": rollout.order,
        "version": rollout.version,
        "time": iso(rollout.created / 1000),
        "state": state,
        "waiting": rollout.waiting,
        "under_way": rollout.under_way,
        "done": rollout.done,
        "failed": rollout.failed,
        "reason": rollout.reason,
    }
