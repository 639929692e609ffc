"""`bordstein-gateway board …`: a board's configuration, and commands with their results."""

import json
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from ..boards import presence
from ..boards import rules as board_rules
from ..boards.call import call, sleeps
from ..config import config
from ..config.check import unreadable
from ..config.words import visible
from ..store.types import BoardConfig
from ..texts import pick
from . import board_certificate as cli_board_certificate
from . import board_list as cli_board_list
from . import register as cli_register
from .board_list import DeviceArgument, answer_words, checked, condition, silent, then, until
from .common import DEFAULT_CONFIG, WAIT_S, ConfigOption, Failed, JsonOption, iso, misuse, open_store, output, show

app = typer.Typer(
    help=pick("Ein Gerät einrichten und ihm etwas auftragen.", "Configure a board and tell it to do something."),
    no_args_is_help=True,
)
COMMANDS = ("reboot", "identify", "sample", "interval", "log", "calibrate", "decommission")

app.command("list", help=pick("Alle Geräte und wie es ihnen geht.", "All boards and how they are."))(
    cli_board_list.board_list
)
app.command("results", help=pick("Was ein Gerät auf Aufträge geantwortet hat.", "What a board answered to commands."))(
    cli_board_list.board_results
)
app.command(
    "certificate",
    help=pick(
        "Geräten ihr erneuertes Zertifikat schicken („bordstein ca renew“). Ein Gerät probiert es aus und kehrt zum "
        "alten zurück, wenn es das Gateway mit ihm nicht erreicht.",
        'Send boards their renewed certificates ("bordstein ca renew"). A board tries it, and goes back to the old one '
        "when it can't reach the gateway with it.",
    ),
)(cli_board_certificate.board_certificate)
app.command("import", help=pick("Geräte aus einer CSV-Datei eintragen.", "Enter boards from a CSV file."))(
    cli_register.board_import
)
app.command("export", help=pick("Die eingetragenen Geräte als CSV.", "The boards that are entered, as CSV."))(
    cli_register.board_export
)


@app.command(
    "config",
    help=pick(
        "Die Konfiguration eines Geräts zeigen, oder ihm eine neue schicken. Es prüft sie, probiert sie aus und kehrt "
        "zur alten zurück, wenn es das Gateway mit ihr nicht erreicht.",
        "Show a board's configuration, or send it a new one. It checks it, tries it, and goes back to the old one when "
        "it can't reach the gateway with it.",
    ),
)
def board_config(
    device: DeviceArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help=pick(
                "Die neue config.json. Was darin fehlen darf, steht in firmware/README.md.",
                "The new config.json. What may be left out of it: firmware/README.md.",
            ),
        ),
    ] = None,
    path: ConfigOption = DEFAULT_CONFIG,
    wait: Annotated[
        int,
        typer.Option(
            "--wait",
            min=0,
            help=pick(
                "So viele Sekunden warten, ob das Gerät sie behält.", "Wait so many seconds whether the board keeps it."
            ),
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    settings, device = config.load(path), checked(device)
    if file is None:
        with open_store(settings) as store:
            known = store.configs().get(device)
            asleep = next((condition(one) for one in store.devices() if one.device == device and one.wake), "")
        if as_json:
            output(json.dumps(_plain(known), ensure_ascii=False))
        else:
            show(_rows(known), False, pick("von diesem Gerät ist nichts bekannt", "nothing is known of this board"))
            if asleep:
                output(asleep)
        return
    text = _checked(file)
    with open_store(settings) as store, call(settings.mqtt, device) as board:
        versions = [board.retained(kind).get("version") for kind in ("config", "config/reported")]
        above = max((version for version in versions if isinstance(version, int)), default=0)
        version = store.want_config(device, text, above).result(WAIT_S)
        board.send("config", f'{{"version":{version},"config":{text}}}'.encode(), retain=True)
        wake = sleeps(board, wait)
        if not as_json:
            output(pick(f"Konfiguration {version} ist unterwegs", f"configuration {version} is on its way"))
            if wake:
                output(then(wake))
        if not wait or wake:
            if as_json:
                output(json.dumps({"version": version} | ({"wake": iso(wake / 1000)} if wake else {})))
            return
        report = board.answer(
            "config/reported", lambda said: said.get("version") == version and said.get("ok") is not None, wait
        )
    if report is None:
        raise Failed(silent(wait))
    if as_json:
        output(json.dumps(report, ensure_ascii=False))
    elif report["ok"]:
        output(pick("das Gerät behält sie", "the board keeps it"))
    if not report["ok"]:
        raise Failed("\n".join(visible(str(problem)) for problem in report.get("problems", ())))


def _checked(file: Path) -> str:
    """The configuration in a file as compact JSON. Failed: all mistakes that can be seen from here."""
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Failed(f"{file}: {unreadable(error)}") from None
    except (ValueError, RecursionError) as error:
        raise Failed(pick(f"{file} ist kein JSON: {error}", f"{file} is not JSON: {error}")) from None
    if not isinstance(found, dict):
        raise Failed(pick(f"{file}: erwartet ein Objekt {{…}}", f"{file}: expected an object {{…}}"))
    mistakes = board_rules.mistakes(found)
    if mistakes:
        raise Failed("\n".join(f"{file}: {visible(mistake)}" for mistake in mistakes))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > board_rules.LONGEST:
        raise Failed(
            pick(
                f"{file} hat ohne Zwischenräume {size} Bytes; ein Gerät nimmt höchstens {board_rules.LONGEST} an",
                f"{file} has {size} bytes without its spaces; a board takes {board_rules.LONGEST} at most",
            )
        )
    return text


def _waits_for(wake: int) -> str:
    seconds = int(wake / 1000 - time.time()) + presence.GRACE_MS // 1000
    return pick(
        f"das Gerät {until(wake)}, und decommission muss sein Ergebnis abwarten: --wait {seconds}",
        f"the board is {until(wake)}, and decommission has to wait for its result: --wait {seconds}",
    )


def _plain(known: BoardConfig | None) -> dict[str, Any]:
    if known is None:
        return {}
    row = known._asdict()
    return {**row, "text": None, "config": json.loads(known.text) if known.text else None}


def _rows(known: BoardConfig | None) -> list[dict[str, Any]]:
    if known is None:
        return []
    word = {
        None: pick("noch offen", "not decided yet"),
        True: pick("läuft", "runs"),
        False: pick("läuft nicht", "does not run"),
    }[known.ok]
    if known.changed:
        word += pick("; am Gerät geändert", "; changed on the board")
    return [
        {
            "wanted": "" if known.wanted is None else known.wanted,
            "reported": "" if known.reported is None else known.reported,
            "state": word if known.reported_at is not None else pick("keine Meldung", "no report"),
            "running": "" if known.running is None else known.running,
            "received": "" if known.reported_at is None else iso(known.reported_at / 1000),
            "certificate": known.certificate or "",
            "problems": "\n".join(known.problems),
        }
    ]


@app.command(
    "command",
    help=pick(
        f"Einem Gerät etwas auftragen ({', '.join(COMMANDS)}) und auf das Ergebnis warten.",
        f"Tell a board to do something ({', '.join(COMMANDS)}) and wait for the result.",
    ),
)
def board_command(
    device: DeviceArgument,
    do: Annotated[str, typer.Argument(metavar="COMMAND", help=", ".join(COMMANDS))],
    path: ConfigOption = DEFAULT_CONFIG,
    sensor: Annotated[
        str | None,
        typer.Option(
            "--sensor", help=pick("Welcher Sensor; bei sample sonst alle.", "Which sensor; sample: else all.")
        ),
    ] = None,
    seconds: Annotated[
        int | None,
        typer.Option("--seconds", help=pick("Für interval und identify.", "For interval and identify.")),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            help=pick(
                "Für calibrate: dry oder wet (Boden), baseline (Parkplatz, leer), zero oder empty (Abstand).",
                "For calibrate: dry or wet (soil), baseline (bay, empty), zero or empty (distance).",
            ),
        ),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm",
            help=pick(
                "Für decommission: das Gerät noch einmal. Schlüssel und Daten werden gelöscht.",
                "For decommission: the board once more. Keys and data are wiped.",
            ),
        ),
    ] = None,
    wait: Annotated[
        int,
        typer.Option(
            "--wait", min=1, help=pick("So viele Sekunden auf das Ergebnis warten.", "Seconds to wait for the result.")
        ),
    ] = 30,
    as_json: JsonOption = False,
) -> None:
    settings, device = config.load(path), checked(device)
    if do not in COMMANDS:
        names = ", ".join(COMMANDS)
        misuse(f"„{do}“ kennt kein Gerät; möglich: {names}", f'no board knows "{do}"; possible: {names}', "COMMAND")
    if do == "decommission" and confirm != device:
        misuse(
            f"löscht Schlüssel und Daten; zur Bestätigung: --confirm {device}",
            f"wipes keys and data; to confirm: --confirm {device}",
            "--confirm",
        )
    number = uuid.uuid4().hex[:12]
    told = {"id": number, "do": do, "sensor": sensor, "seconds": seconds, "what": what, "device": confirm}
    message = json.dumps({key: value for key, value in told.items() if value is not None}).encode()
    with call(settings.mqtt, device) as board:
        wake = sleeps(board, wait)
        if wake and do == "decommission":
            raise Failed(_waits_for(wake))
        board.listen("command/result")
        board.send("command", message)
        if wake:
            if as_json:
                output(json.dumps({"id": number, "wake": iso(wake / 1000)}))
            else:
                output(pick(f"Auftrag {number} ist unterwegs", f"command {number} is on its way"))
                output(then(wake))
                output(
                    pick(
                        f"Das Ergebnis zeigt danach: bordstein-gateway board results {device}",
                        f"Then its result is shown by: bordstein-gateway board results {device}",
                    )
                )
            return
        result = board.answer("command/result", lambda said: said.get("id") == number, wait)
        if result is None:
            raise Failed(silent(wait))
        if do == "decommission" and result.get("ok"):
            board.send("config", b"", retain=True)  # who gets this board next begins anew
            with open_store(settings) as store:
                store.forget_config(device).result(WAIT_S)
                store.decommission(device).result(WAIT_S)
    if as_json:
        output(json.dumps(result, ensure_ascii=False))
    if not result.get("ok"):
        raise Failed(answer_words(result))
    if not as_json:
        output(answer_words(result))
