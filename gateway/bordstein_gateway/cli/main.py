"""The command `bordstein-gateway`. Exit codes: 0 done, 1 failed, 2 misuse."""

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..config import config
from ..config.check import unreadable
from ..config.files import FileProblem
from ..config.words import is_host
from ..decode import normalise, senml
from ..store.types import StoreError
from ..texts import language, os_reason, pick, said
from . import backup as cli_backup
from . import board as cli_board
from . import cases as cli_cases
from . import forward as cli_forward
from . import german as cli_german
from . import input as cli_input
from . import migrate as cli_migrate
from . import reader as cli_reader
from . import release as cli_release
from . import retention as cli_retention
from . import rules as cli_rules
from . import store as cli_store
from . import user as cli_user
from . import verify as cli_verify
from .common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, misuse, output
from .input import plain

app = typer.Typer(
    name="bordstein-gateway",
    help=pick(
        "Nimmt Messwerte von Straßensensoren über MQTT an, speichert sie dauerhaft und gibt sie an die Systeme der "
        "Stadt weiter.",
        "Takes street sensors' readings from MQTT, stores them for good and passes them on to the town's systems.",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
cli_forward.app.command(
    "verify",
    help=pick(
        "Zurücklesen, was ein Ziel hat, und mit dem Speicher vergleichen.",
        "Read back what a target has, and compare it with the store.",
    ),
)(cli_verify.forward_verify)
app.add_typer(cli_forward.app, name="forward")
app.add_typer(cli_release.app, name="release")
app.add_typer(cli_board.app, name="board")
app.add_typer(cli_reader.app, name="reader")
app.add_typer(cli_user.app, name="user")
app.add_typer(cli_rules.app, name="rules")
app.add_typer(cli_store.quarantine, name="quarantine")
app.add_typer(cli_cases.case, name="case")
app.add_typer(cli_cases.audit, name="audit")
app.command(
    help=pick(
        "Was die Regeln in einem Jahr brachten. Auch, welche nichts brachte.",
        "What the rules brought in a year. Also which brought nothing.",
    )
)(cli_cases.report)
app.command(
    help=pick(
        "Erwartete und angekommene Pakete, je Gerät und Tag. Mit den Lücken.",
        "Expected and arrived packs, by board and day. With the gaps.",
    )
)(cli_store.completeness)
app.command(
    help=pick(
        "Löschen, was älter ist, als [retention] will. Ein laufendes Gateway tut es selbst.",
        "Delete what is older than [retention] wants. A running gateway does it by itself.",
    )
)(cli_retention.retention)
app.command(
    help=pick(
        "Den Speicher sichern. Auch während das Gateway läuft; geprüft, mit SHA-256 daneben.",
        "Back the store up. Also while the gateway runs; verified, with its SHA-256 beside it.",
    )
)(cli_backup.backup)
app.command(
    help=pick(
        "Eine Sicherung zurückspielen. Das Gateway muss dafür beendet sein.",
        "Bring a backup back. The gateway has to be stopped for it.",
    )
)(cli_backup.restore)
app.command(
    "migrate-store",
    help=pick(
        "Mit allem in einen anderen Speicher umziehen. Das Gateway läuft dabei bis auf die letzten Sekunden weiter.",
        "Move with everything to another store. The gateway runs meanwhile, up to the last seconds.",
    ),
)(cli_migrate.migrate_store)

# What goes wrong in an expected way: its text is the sentence to show.
_SENTENCES = (Failed, config.ConfigError, senml.DecodeError, StoreError, FileProblem)
_MISUSE: Any = typer.BadParameter.__base__
_HOST = 'host = "localhost"                 '
_TOPIC = re.compile(r"(?:[^#+]+/)?([0-9a-f]{12})/(readings|health)")


def _version(wanted: bool) -> None:
    if wanted:
        output(f"bordstein-gateway {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help=pick("Die Version zeigen.", "Print the version.")
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help=pick("Zeigen, woher im Programm ein Fehler kommt.", "Show where in the program an error came from."),
        ),
    ] = False,
) -> None:
    """--debug is looked at in main()."""


@app.command(
    help=pick(
        "Das Gateway betreiben, bis es beendet wird. Mit SIGTERM oder Strg-C.",
        "Run the gateway until it is told to stop. By SIGTERM or Ctrl-C.",
    )
)
def run(path: ConfigOption = DEFAULT_CONFIG) -> None:
    from .. import log, service

    settings = config.load(path)
    log.setup(settings.log.level, settings.log.format)
    raise typer.Exit(service.run(settings) or 0)


@app.command(
    help=pick(
        "Alle Fehler einer Konfiguration nennen. Jeden mit seiner Zeile.",
        "Say all mistakes of a configuration, each with its line.",
    )
)
def check(
    path: ConfigOption = DEFAULT_CONFIG,
    file: Annotated[
        Path | None,
        typer.Argument(metavar=pick("DATEI", "FILE"), help=pick("Dasselbe wie --config.", "The same as --config.")),
    ] = None,
) -> None:
    path = file or path
    problems = config.problems(path)
    if problems:
        raise Failed("\n".join(problems))
    output(pick(f"{path}: keine Fehler", f"{path}: no mistakes"))


@app.command(
    help=pick(
        "Ein kommentiertes Beispiel der Konfiguration schreiben.", "Write a commented example of the configuration."
    )
)
def init(
    target: Annotated[
        Path,
        typer.Argument(
            metavar=pick("DATEI", "FILE"), help=pick("Wohin; - zeigt es nur.", "Where to write it; - prints it.")
        ),
    ] = Path("gateway.toml"),
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar=pick("RECHNER", "HOST"),
            help=pick("Der Broker, wie sein Zertifikat ihn nennt.", "The broker, as its certificate names it."),
        ),
    ] = "localhost",
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help=pick(
                "Daneben auch die systemd-Unit und die Konfiguration von Mosquitto.",
                "Also write the systemd unit and Mosquitto's configuration beside it.",
            ),
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help=pick("Vorhandenes überschreiben.", "Overwrite what is there."))
    ] = False,
) -> None:
    from importlib.resources import files

    from ..config.example import text as example_text

    if not is_host(host):
        misuse(
            f"„{host}“ ist weder ein Rechnername noch eine IP-Adresse",
            f'"{host}" is neither a host name nor an IP address',
            "--host",
        )
    package = files("bordstein_gateway")
    example = example_text().replace(_HOST, f'host = "{host}"'.ljust(len(_HOST)))
    if str(target) == "-":
        output(example, end="")
        return
    texts = {target: example}
    if everything:
        for name in ("systemd/bordstein-gateway.service", "mosquitto/mosquitto.conf", "mosquitto/bordstein.acl"):
            texts[target.parent / Path(name).name] = package.joinpath(name).read_text(encoding="utf-8")
    try:
        there = [str(path) for path in texts if path.exists()]
        if there and not force:
            names = ", ".join(there)
            raise Failed(
                pick(f"{names}: schon da; --force überschreibt", f"{names}: already there; --force overwrites")
            )
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            output(pick(f"{path} geschrieben", f"{path} written"))
    except OSError as error:
        raise Failed(
            pick(
                f"{error.filename}: nicht schreibbar: {os_reason(error)}",
                f"{error.filename}: can't be written: {error.strerror}",
            )
        ) from None


@app.command(
    help=pick(
        "Zeigen, was das Gateway aus einer Nachricht macht. Als JSON: die SenML-Records, oder ein Satz, warum nicht.",
        "Print what the gateway makes of a payload. As JSON: resolved SenML records, or one sentence why not.",
    )
)
def decode(
    file: Annotated[
        str,
        typer.Argument(
            metavar=pick("DATEI", "FILE"),
            help=pick(
                "Datei mit einer Nachricht; - liest die Standardeingabe.",
                "File with one payload; - reads from the standard input.",
            ),
        ),
    ],
    topic: Annotated[
        str | None,
        typer.Option(
            "--topic",
            metavar="TOPIC",
            help=pick(
                "Das Topic, auf dem sie kam: das Gerät muss dasselbe sein.",
                "The topic it came on: the device has to be the same.",
            ),
        ),
    ] = None,
    readings: Annotated[
        bool,
        typer.Option(
            "--readings",
            help=pick(
                "Zeigen, was gespeichert wird: Werte in den Einheiten der Tabelle, mit Marken.",
                "Print what is stored: values in the table's units, with marks.",
            ),
        ),
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="NAME",
            help=pick(
                "Als Nachricht eines anderen Geräts lesen, nach [input.NAME] der Konfiguration: zeigt die Messwerte.",
                "Read as another device's message, by [input.NAME] of the configuration: prints the readings.",
            ),
        ),
    ] = None,
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    if source is not None:
        if topic is None:
            misuse("braucht --topic", "needs --topic", "--input")
        output(_json(cli_input.decode(config.load(path), source, topic, _payload(file))))
        return
    device = None
    if topic is not None:
        found = _TOPIC.fullmatch(topic)
        if found is None:
            misuse(
                "erwartet …/<12 Hexadezimalziffern in Kleinschreibung>/readings oder …/health",
                "expected …/<12 lower-case hex digits>/readings or …/health",
                "--topic",
            )
        device = found.group(1)
    elif readings:
        misuse("braucht --topic", "needs --topic", "--readings")
    payload = _payload(file)
    now = time.time()
    records = senml.decode(payload, now=now)
    pack = normalise.pack(device, payload, now) if device else None
    output(_json(plain(pack) if readings and pack else [senml.plain(record) for record in records]))


def _payload(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failed(f"{file}: {unreadable(error)}") from None


def _json(value: Any) -> str:
    """An array a line for each element, anything else on one line."""
    if isinstance(value, list):
        return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


@app.command(
    help=pick(
        "Je in einem Satz sagen, was Daten verlieren würde. Exit-Code 1, wenn es etwas gibt.",
        "Say in a sentence each what would lose data. Exit code 1 if anything would.",
    )
)
def doctor(
    path: ConfigOption = DEFAULT_CONFIG,
    mosquitto_conf: Annotated[
        Path | None,
        typer.Option(
            "--mosquitto-conf",
            metavar=pick("DATEI", "FILE"),
            help=pick(
                "Die Konfiguration von Mosquitto, wenn sie zur Hand ist.",
                "Mosquitto's configuration, where it is at hand.",
            ),
        ),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            help=pick(
                "Ausprobieren, wie viele Nachrichten der Broker für jemanden aufhebt, der nicht da ist.",
                "Try out how many messages the broker keeps for a client that is away.",
            )
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    from .. import doctor as look

    lost = False
    for finding in look.findings(config.load(path), mosquitto_conf, probe=probe):
        lost |= finding.level == "loses"
        if as_json:
            output(json.dumps(finding._asdict(), ensure_ascii=False))
        else:
            output(f"{ {'loses': '✗', 'note': '!', 'fine': '✓'}[finding.level] } {finding}")
    raise typer.Exit(1 if lost else 0)


def main() -> None:
    """The command's entry: an expected failure is its sentence on the standard error and exit code 1."""
    debug = "--debug" in sys.argv or bool(os.environ.get("BORDSTEIN_DEBUG"))
    try:
        command = typer.main.get_command(app)
        if language() == "en":
            command()
        cli_german.prepare(command)
        sys.exit(command.main(standalone_mode=False) or 0)
    except typer.Abort:
        sys.exit(1)
    except _MISUSE as error:
        typer.echo(cli_german.misuse(error), err=True, nl=False)
        sys.exit(2)
    except _SENTENCES as error:
        if debug:
            raise
        typer.echo(said(error), err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has gone, as with | head
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
