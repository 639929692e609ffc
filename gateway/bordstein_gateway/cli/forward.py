"""`bordstein-gateway forward …`: how far each target is, a trial, a pause, sending a time span again."""

import json
import time
from typing import Annotated

import typer

from ..config import config, durations
from ..texts import pick, said
from . import forward_dead as cli_forward_dead
from . import forward_list as cli_forward_list
from .common import (
    DEFAULT_CONFIG,
    WAIT_S,
    ConfigOption,
    Failed,
    JsonOption,
    iso,
    misuse,
    moment,
    open_store,
    output,
    show,
)
from .targets import Target, known

app = typer.Typer(
    help=pick(
        "Wohin Messwerte gehen. Wie weit jedes Ziel ist; Probe, Pause, noch einmal senden.",
        "Where readings go. How far each target is; trial, pause, sending again.",
    ),
    no_args_is_help=True,
)
app.add_typer(cli_forward_dead.app, name="dead")
_Time = pick("ZEIT", "TIME")


@app.command("list", help=pick("Wie es um jedes Ziel steht.", "How each target is."))
def forward_list(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    from ..forward.standing import standings

    settings = config.load(path)
    with open_store(settings) as store:
        found = standings(settings.forward, store).values()
    kinds = {name: str(target.__struct_config__.tag) for name, target in settings.forward.items()}
    rows = [cli_forward_list.row(one, kinds[one.name]) if as_json else cli_forward_list.line(one) for one in found]
    show(rows, as_json, pick("kein [forward.…] ist eingerichtet", "no [forward.…] is configured"))


@app.command(
    "test",
    help=pick(
        "Einen gekennzeichneten Probewert senden; was die Gegenseite sagt. Geht neben einem laufenden Gateway.",
        "Send one marked trial record; what the other side says. Works beside a running gateway.",
    ),
)
def forward_test(name: Target, path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    from ..forward.trying import tried

    settings = config.load(path)
    taken, sentence = tried(settings, known(settings, name))
    if as_json:
        kind = settings.forward[name].__struct_config__.tag
        row = {"name": name, "kind": kind, "ok": taken, "de": said(sentence, "de"), "en": said(sentence, "en")}
        output(json.dumps(row, ensure_ascii=False))
        if not taken:
            raise typer.Exit(1)
    elif taken:
        output(said(sentence))
    else:
        raise Failed(said(sentence))


@app.command(
    "pause",
    help=pick(
        "Einem Ziel vorerst nichts senden; Messwerte warten im Speicher. Gilt binnen Sekunden.",
        "Send nothing to a target for now; readings wait in the store. Obeyed within seconds.",
    ),
)
def forward_pause(
    name: Target,
    path: ConfigOption = DEFAULT_CONFIG,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar=_Time, help=pick("Bis dahin, ISO 8601; ohne Versatz UTC.", "Until then, ISO 8601; UTC.")
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(
            "--for", metavar=pick("DAUER", "TIME"), help=pick("So lange, wie 90m, 2h, 3d.", "As in 90m, 2h, 3d.")
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help=pick("Warum; steht dann dabei.", "Why; is shown with it."))] = "",
) -> None:
    end = _end(until, length)
    settings = config.load(path)
    with open_store(settings) as store:
        store.pause_set(known(settings, name), end, " ".join(reason.split())).result(WAIT_S)
    if end is None:
        output(
            pick(
                f"{name} macht Pause, bis: bordstein-gateway forward resume {name}",
                f"{name} is paused, until: bordstein-gateway forward resume {name}",
            )
        )
    else:
        output(pick(f"{name} macht Pause bis {iso(end / 1000)}", f"{name} is paused until {iso(end / 1000)}"))


def _end(until: str | None, length: str | None) -> int | None:
    """Milliseconds UTC; None: no end."""
    if until is not None and length is not None:
        misuse("entweder --until oder --for", "either --until or --for", "--for")
    if length is not None:
        try:
            return round((time.time() + durations.seconds(length)) * 1000)
        except ValueError:
            misuse(f"„{length}“ ist keine Dauer wie 90m, 2h, 3d", f'"{length}" is no time like 90m, 2h, 3d', "--for")
    if until is None:
        return None
    end = moment(until, "--until")
    if end <= time.time() * 1000:
        misuse("--until liegt in der Vergangenheit", "--until is in the past", "--until")
    return end


@app.command("resume", help=pick("Eine Pause beenden.", "End a pause."))
def forward_resume(name: Target, path: ConfigOption = DEFAULT_CONFIG) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        there = store.pause_end(known(settings, name)).result(WAIT_S)
    if there:
        output(pick(f"an {name} geht es weiter", f"{name} goes on"))
    else:
        output(pick(f"{name} machte keine Pause", f"{name} was not paused"))


@app.command(
    "refill",
    help=pick(
        "Eine Zeitspanne noch einmal an ein Ziel senden. Ein laufendes Gateway tut es binnen Sekunden.",
        "Send a time span to one target once more. A running gateway does it, within seconds.",
    ),
)
def forward_refill(
    name: Target,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar=_Time,
            help=pick(
                "Erster Zeitpunkt der Messung, ISO 8601; ohne Versatz UTC.",
                "First moment of measurement, ISO 8601; UTC without offset.",
            ),
        ),
    ],
    end: Annotated[
        str,
        typer.Option(
            "--to",
            metavar=_Time,
            help=pick("Erster Zeitpunkt, der nicht mehr gesendet wird.", "First moment that is not sent any more."),
        ),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    first, last = moment(start, "--from"), moment(end, "--to")
    if first >= last:
        misuse("--from muss vor --to liegen", "--from has to be before --to", "--from")
    settings = config.load(path)
    with open_store(settings) as store:
        order = store.refill_add(known(settings, name), first, last).result(WAIT_S)
    span = iso(first / 1000), iso(last / 1000)
    output(
        pick(
            f"Nachsendung {order} an {name} bestellt: {span[0]} bis {span[1]}",
            f"refill {order} of {name} ordered: {span[0]} to {span[1]}",
        )
    )


@app.command(
    "links",
    help=pick(
        "Welche Meldungen ein Ziel bekam, und was daraus wurde.",
        "Which events a target was told of, and what became of them.",
    ),
)
def forward_links(name: Target, path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    from ..forward.events import links

    settings = config.load(path)
    with open_store(settings) as store:
        rows = links(store, known(settings, name))
    if not as_json:  # a terminal is not that wide
        rows = [{key: row[key] for key in ("case", "device", "rule", "target_id", "state", "notes")} for row in rows]
    show(rows, as_json, pick("es gab noch keinen Vorgang", "there was no event yet"))
