"""What `bordstein setup` asks at a terminal: five questions at most, each with what is likely as its answer."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from ..config import firmware_rules
from ..config.composing import Answers
from ..config.town import Town
from ..texts import pick
from . import registering


def ask(given: Mapping[str, str | None], town: Town, base: Mapping[str, Any] | None, register: Path | None) -> Answers:
    """Answers to what is not given. base: a configuration that has network and sensors already."""
    answers = defaults(given, town, base, register)
    if given["site"] is None and town.sites:
        answers = replace(answers, site=_chosen("Einsatzgebiet", "Site", town.sites, answers.site))
        answers = defaults({**given, "site": answers.site}, town, base, register)
    if given["asset"] is None:
        answers = replace(answers, asset=_text("Inventarnummer", "Asset number", answers.asset))
    if given["place"] is None:
        answers = replace(answers, place=_text("Wo es hängen wird", "Where it will hang", answers.place))
    if given["network"] is None and not (base and "network" in base):
        answers = replace(
            answers,
            network=_chosen(
                "Netz (oder Name eines WLANs)", "Network (or name of a Wi-Fi)", town.networks, answers.network
            ),
        )
        if answers.network not in town.networks and answers.network.lower() != "ethernet" and not answers.password:
            password = typer.prompt(
                pick(
                    f"Passwort von {answers.network} (keines: Eingabe)", f"Password of {answers.network} (none: Enter)"
                ),
                default="",
                show_default=False,
                hide_input=True,
            )
            answers = replace(answers, password=str(password))
    if given["sensors"] is None and not (base and "sensors" in base):
        if not town.kits:
            typer.echo(pick("Sensoren: ", "Sensors: ") + ", ".join(firmware_rules.Drivers.names()), err=True)
        answers = replace(answers, sensors=_chosen("Sensoren", "Sensors", town.kits, answers.sensors))
    return answers


def defaults(
    given: Mapping[str, str | None], town: Town, base: Mapping[str, Any] | None, register: Path | None
) -> Answers:
    """What is given, and for the rest what is likely: what the site has, the next asset number, the only network."""
    site = given["site"] if given["site"] is not None else next(iter(town.sites), "")
    of_site = town.sites.get(site or "", {})
    own = base or {}
    return Answers(
        site=site or "",
        asset=given["asset"] if given["asset"] is not None else next_asset(register),
        place=given["place"] if given["place"] is not None else str(own.get("name", "")),
        network=_or(given["network"], "" if "network" in own else of_site.get("network") or _only(town.networks)),
        password=given.get("password") or "",
        sensors=_or(given["sensors"], "" if "sensors" in own else of_site.get("kit") or _only(town.kits)),
    )


def next_asset(register: Path | None) -> str:
    """The asset number after the last one in the register: BS-0041 → BS-0042; "" where there is none to count on.
    Problem: the file is none."""
    numbers = [
        found for row in registering.known(register) if (found := re.fullmatch(r"(.*?)(\d+)", row.get("asset") or ""))
    ]
    if not numbers:
        return ""
    last = max(numbers, key=lambda found: int(found[2]))
    return f"{last[1]}{int(last[2]) + 1:0{len(last[2])}d}"


def _or(given: str | None, otherwise: str) -> str:
    return given if given is not None else otherwise


def _only(names: Iterable[str]) -> str:
    return next(iter(names), "")


def _text(de: str, en: str, default: str) -> str:
    return str(typer.prompt(pick(de, en), default=default, show_default=bool(default)))


def _chosen(de: str, en: str, known: Mapping[str, Any], default: str) -> str:
    """A name out of a list, by itself or by its number; any other text where the list does not have it."""
    names = list(known)
    for number, name in enumerate(names, 1):
        title = known[name].get("title") if isinstance(known[name], dict) else None
        typer.echo(f"  {number}  {name}{f'  {title}' if title else ''}", err=True)
    said = str(typer.prompt(pick(de, en), default=default or None)).strip()
    return names[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(names) else said
