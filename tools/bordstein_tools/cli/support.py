"""`bordstein doctor` and `bordstein diagnose`: is this computer fit for field work, and a zip for who is to help."""

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..keys import keyfiles
from ..texts import Problem, pick
from .ca import DEFAULT_CA, FILE, CaFolder, Json
from .commands import verb
from .options import PUBLIC, Port
from .output import FAILED, answer, failed

_SIGNS = {"good": "✓", "look": "!", "bad": "✗"}
_PLAIN = {"good": "+", "look": "!", "bad": "x"}


def add_to(app: typer.Typer) -> None:
    """Make them verbs of the command line."""
    verb(app, "Prüfen, ob dieser Computer für die Arbeit draußen taugt.", "Check this computer for field work.")(doctor)
    verb(
        app,
        "Alles, was der Unterstützung hilft, in eine Datei packen, ohne Geheimnisse.",
        "Pack all that helps support into one file, without secrets.",
    )(diagnose)


def doctor(ca: CaFolder = DEFAULT_CA, as_json: Json = False) -> None:
    from ..support import computer as checking_computer

    found = checking_computer.check(checking_computer.Computer(ca, PUBLIC))
    fit = all(one.level != "bad" for one in found)
    if as_json:
        rows = [{"level": one.level, "about": one.about, "text": str(one)} for one in found]
        typer.echo(json.dumps({"fit": fit, "findings": rows}, ensure_ascii=False))
    else:
        signs = _signs()
        for one in found:
            typer.echo(f"{signs[one.level]} {one}")
    if not fit:
        raise typer.Exit(FAILED)


def _signs() -> dict[str, str]:
    """Windows' old code pages have no ticks."""
    try:
        "".join(_SIGNS.values()).encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return _PLAIN
    return _SIGNS


def diagnose(
    port: Port = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help=pick(
                "Die Datei (.zip); sonst eine mit Gerät und Zeit im Namen.",
                "The file (.zip); else one with board and time in its name.",
            ),
        ),
    ] = None,
    config: Annotated[
        Path,
        typer.Option(metavar=FILE, help=pick("Konfiguration auf diesem Computer.", "Configuration on this computer.")),
    ] = Path("config.json"),
    ca: CaFolder = DEFAULT_CA,
    seconds: Annotated[
        int,
        typer.Option(
            metavar=pick("SEKUNDEN", "SECONDS"),
            min=1,
            max=600,
            help=pick("So lange einem Start zuhören.", "Listen to a start for so long."),
        ),
    ] = 20,
    as_json: Json = False,
) -> None:
    from ..support import computer as checking_computer
    from ..support import diagnosing

    def step(de: str, en: str) -> None:
        if not as_json:
            typer.echo(pick(de, en) + " …", err=True)

    now = dt.datetime.now().astimezone()
    try:
        if out is not None:
            keyfiles.check_target(out)  # before anybody waits for it
        bundle = diagnosing.diagnose(port, config, checking_computer.Computer(ca, PUBLIC), seconds, step)
        device = bundle.device if bundle.device.isalnum() else "computer"
        path = out or Path(f"bordstein-diagnose-{device}-{now:%Y%m%d-%H%M%S}.zip")
        names = diagnosing.write(bundle, path, now)
    except Problem as problem:
        failed(problem, as_json)
    missing = "\n".join(f"  {why}" for why in bundle.missing.values())
    answer(
        as_json,
        {"file": str(path), "device": bundle.device, "files": names, "missing": bundle.missing},
        f"{path}: {len(names)} Dateien, ohne Geheimnisse." + (f"\nEs fehlt etwas:\n{missing}" if missing else ""),
        f"{path}: {len(names)} files, without secrets." + (f"\nsomething is missing:\n{missing}" if missing else ""),
    )
