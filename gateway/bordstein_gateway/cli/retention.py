"""The verb that deletes what is older than [retention] wants, or shows what that would be."""

from typing import Annotated, Any

import typer

from ..config import config
from ..texts import pick
from .common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, open_store, output, show


def retention(
    path: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=pick("Nur zeigen, was gelöscht würde.", "Only show what would be deleted.")),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    from ..retention import Plan

    settings = config.load(path)
    with open_store(settings) as store:
        plan = Plan(settings.retention, store, list(settings.forward))
        if not plan.wanted:
            raise Failed(
                pick(
                    f"{path}: [retention] sagt nicht, dass etwas gelöscht werden soll; alles bleibt.",
                    f"{path}: [retention] does not say that anything is deleted; all is kept.",
                )
            )
        behind = 0
        if dry_run:
            behind = store.newest_id() - store.aggregated_to()
        else:
            plan.aggregate()
        found = plan.sweep(dry_run=dry_run)
        holding = store.holding(list(settings.forward))
    rows: list[dict[str, Any]] = [deleted._asdict() for deleted in found]
    if dry_run:
        nothing = pick("nichts würde gelöscht", "nothing would be deleted")
    else:
        nothing = pick("nichts war alt genug", "nothing was old enough")
    show(rows, as_json, nothing)
    if as_json:
        return
    if behind > 0:
        output(
            pick(
                f"Noch nicht in Stunden und Tagen: {behind} Messwerte. Zuerst kommen sie dorthin.",
                f"Not yet in hours and days: {behind} readings. They are added up first.",
            )
        )
    if holding.by:
        output(
            pick(
                f"Ab Messwert {holding.limit} wird nichts gelöscht: {holding.by} hat sie noch nicht bekommen.",
                f"From reading {holding.limit} on nothing is deleted: {holding.by} has not got them yet.",
            )
        )
