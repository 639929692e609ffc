"""`bordstein reset` and `decommission`: a board that is to begin anew, and one that leaves the town."""

import contextlib
import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from ..texts import Problem, pick
from .ca import DEFAULT_CA, CaFolder, Json, PassphraseFile
from .commands import FLAG, verb
from .options import REGISTER, Kind, Port, Register, Yes
from .output import answer, misuse


def add_to(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    verb(app, "Das Gerät löschen, bis auf seine Software.", "Wipe the board, all but its software.")(reset)
    verb(
        app,
        "Ein Gerät außer Dienst nehmen: löschen und seine Zertifikate sperren.",
        "Take a board out of service: wipe it and revoke its certificates.",
    )(decommission)


def reset(
    port: Port = None,
    board: Kind = None,
    hard: Annotated[
        bool,
        typer.Option(
            "--hard",
            metavar=FLAG,
            help=pick("Nur neu starten, wie mit dem Taster EN (RST).", "Only restart it, as the button EN (RST) does."),
        ),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    from ..board import wiping
    from . import attached

    _askable(hard or yes, as_json)
    with attached.problems(as_json), attached.board(port, board) as found:
        if not hard:
            device = str(found.facts()["device"])
            _confirm(device, yes)
            _takes_a_while(as_json)
            wiping.wipe(found)
    if hard:
        answer(as_json, {"port": found.port}, "Das Gerät startet neu.", "the board restarts.")
        return
    answer(
        as_json,
        {"port": found.port, "device": device},
        f"Gerät {device} ist leer, bis auf seine Software: „bordstein setup“ richtet es neu ein.",
        f'device {device} is blank, but for its software: "bordstein setup" sets it up anew.',
    )


def decommission(
    device: Annotated[
        str | None,
        typer.Argument(
            metavar=pick("GERÄT", "DEVICE"),
            help=pick(
                "Seine Kennung, zum Beispiel 24a160123456; wer sie angibt, wird nicht mehr gefragt.",
                "Its id, for example 24a160123456; who gives it is not asked any more.",
            ),
        ),
    ] = None,
    port: Port = None,
    board: Kind = None,
    without_board: Annotated[
        bool,
        typer.Option(
            "--without-board",
            metavar=FLAG,
            help=pick(
                "Gestohlen oder defekt: nur die Zertifikate sperren.", "Stolen or dead: only revoke its certificates."
            ),
        ),
    ] = False,
    ca: CaFolder = DEFAULT_CA,
    passphrase_file: PassphraseFile = None,
    register: Register = REGISTER,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    from ..board import wiping
    from ..keys import names, revocation
    from . import attached
    from .ca import opened

    if without_board and device is None:
        misuse("Zu --without-board bitte die Kennung des Geräts angeben.", "with --without-board give the device's id.")
    _askable(yes or device is not None, as_json)
    with attached.problems(as_json), contextlib.ExitStack() as stack:
        wanted = names.device_id(device) if device is not None else None
        authority = opened(ca, passphrase_file)
        found = None if without_board else stack.enter_context(attached.board(port, board))
        if found is not None:
            there = str(found.facts()["device"])
            if wanted is None:
                _confirm(there, yes)
            elif wanted != there:
                raise Problem(
                    f"Angeschlossen ist das Gerät {there}, nicht {wanted}. Nichts wurde geändert.",
                    f"the board on the cable is {there}, not {wanted}. Nothing was changed.",
                )
            wanted = there
        assert wanted is not None  # noqa: S101  # one of the two
        # First what counts at once, whatever becomes of the cable.
        revoked = _revoked(authority, wanted, found is not None)
        noted = _noted(register, wanted)
        if found is not None:
            _takes_a_while(as_json)
            wiping.wipe(found)
    facts = {
        "device": wanted,
        "wiped": found is not None,
        "revoked": revoked,
        "list": str(ca / revocation.LIST),
        "register": str(register) if noted else None,
    }
    answer(as_json, facts, *_said(facts))


def _askable(answered: bool, as_json: bool) -> None:
    if as_json and not answered:
        misuse(
            "Mit --json wird nicht gefragt: bitte --yes angeben.", "nothing is asked with --json: give --yes, please."
        )


def _confirm(device: str, yes: bool) -> None:
    """Problem: whoever sits there means another board."""
    if yes:
        return
    question = pick(
        f"Alles auf Gerät {device} außer der Software wird gelöscht. Zur Bestätigung seine Kennung eingeben",
        f"all on device {device} but its software will be wiped. To confirm, enter its id",
    )
    if typer.prompt(question, err=True).strip().lower() != device:
        raise Problem(
            f"Das ist nicht die Kennung {device}. Nichts wurde geändert.",
            f"this is not the id {device}. Nothing was changed.",
        )


def _takes_a_while(as_json: bool) -> None:
    if not as_json:
        typer.echo(
            pick("Löschen; das dauert etwa eine halbe Minute …", "wiping; it takes about half a minute …"), err=True
        )


def _revoked(authority: Any, device: str, without_is_fine: bool) -> list[str]:
    """Serial numbers of what was valid until now."""
    from ..keys import revocation

    try:
        return [one.serial for one in revocation.revoke(authority, device)]
    except revocation.Unknown:
        if not without_is_fine:
            raise
        return []


def _noted(path: Path | None, device: str) -> bool:
    from ..setup import registering

    if path is None or not path.exists():
        return False
    return registering.decommission(path, device, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))


def _said(facts: dict[str, Any]) -> tuple[str, str]:
    device, count, path = facts["device"], len(facts["revoked"]), facts["list"]
    de = [f"Gerät {device} ist außer Dienst" + (" und leer" if facts["wiped"] else ", aber nicht gelöscht")]
    en = [f"device {device} is out of service" + (" and blank" if facts["wiped"] else ", but not wiped")]
    de.append(
        f"neu gesperrte Zertifikate: {count}" + (f", in {facts['register']} vermerkt" if facts["register"] else "")
    )
    en.append(f"certificates newly revoked: {count}" + (f", noted in {facts['register']}" if facts["register"] else ""))
    topic = f"bordstein/v1/{device}"
    return (
        "; ".join(de) + f".\nNoch zu tun: {path} auf den Broker bringen und ihn neu starten, dann dort "
        f"{topic}/state, /config und /release löschen (mosquitto_pub --retain --null-message).",
        "; ".join(en) + f".\nStill to be done: bring {path} to the broker and restart it, then delete {topic}/state, "
        "/config and /release there (mosquitto_pub --retain --null-message).",
    )
