"""`bordstein-gateway board certificate`: renewed certificates to the boards, over their running connection."""

import json
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..boards.call import BoardCall, calls, sleeps
from ..config import config
from ..config.config import Mqtt
from ..texts import pick
from .board_list import answer_words, checked, silent, then
from .common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, iso, misuse, output

if TYPE_CHECKING:  # it brings what reads certificates, which the other verbs do without
    from ..boards.renewed import Renewed


def board_certificate(
    device: Annotated[
        str | None,
        typer.Argument(
            metavar="DEVICE",
            help=pick("Das Gerät: 12 Hexadezimalziffern.", "The board: 12 hex digits."),
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help=pick("Sein neues Zertifikat (DER oder PEM).", "Its new certificate (DER or PEM)."),
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar=pick("ORDNER", "FOLDER"),
            help=pick(
                "Alle Zertifikate (*.der) in diesem Ordner, jedes an sein Gerät.",
                "All certificates (*.der) in this folder, each to its board.",
            ),
        ),
    ] = None,
    path: ConfigOption = DEFAULT_CONFIG,
    wait: Annotated[
        int,
        typer.Option(
            "--wait",
            min=1,
            help=pick("So viele Sekunden auf die Ergebnisse warten.", "Seconds to wait for the results."),
        ),
    ] = 120,
    as_json: JsonOption = False,
) -> None:
    from ..boards import renewed

    settings = config.load(path)
    if (folder is None) == (file is None) or (folder is not None and device is not None):
        misuse(
            "entweder ein Gerät und sein Zertifikat, oder --folder ORDNER",
            "either a board and its certificate, or --folder FOLDER",
            "DEVICE FILE",
        )
    found = renewed.of_folder(folder) if folder else [renewed.Renewed(file)] if file else []
    if file and found[0].device != checked(device or ""):
        raise Failed(
            pick(
                f"{file} ist das Zertifikat von {found[0].device}, nicht von {device}",
                f"{file} is the certificate of {found[0].device}, not of {device}",
            )
        )
    for one in found:
        one.check(settings.mqtt)
    results = _send(settings.mqtt, found, wait)
    for result in results:
        if as_json:
            output(json.dumps(result, ensure_ascii=False))
        else:
            output(f"{result['device']}  {_words(result, wait)}")
    if any(result["ok"] is not True and "wake" not in result for result in results):
        raise Failed(
            pick(
                "Nicht alle Geräte haben ihr neues Zertifikat; das alte gilt dort weiter.",
                "Not all boards have their new certificates; they go on with the old ones.",
            )
        )


def _send(mqtt: Mqtt, renewed: "list[Renewed]", wait: int) -> list[dict[str, Any]]:
    """To all at once; then one result each: device, id, ok (None: no answer), error, wake (when it will get it)."""
    results = []
    with calls(mqtt) as call:
        boards = []
        for one in renewed:
            board, number = call(one.device), uuid.uuid4().hex[:12]
            wake = sleeps(board, wait)
            board.listen("command/result")
            board.send("command", one.command(number))
            boards.append((one.device, board, number, wake))
        end = time.monotonic() + wait
        for device, board, number, wake in boards:
            result: dict[str, Any] = {"device": device, "id": number, "ok": None}
            if wake:
                result["wake"] = iso(wake / 1000)
            else:
                said = _answer(board, number, max(end - time.monotonic(), 0)) or {}
                result |= {key: said[key] for key in ("ok", "error") if key in said}
            results.append(result)
    return results


def _answer(board: BoardCall, number: str, seconds: float) -> dict[str, Any] | None:
    return board.answer("command/result", lambda said: said.get("id") == number, seconds)


def _words(result: dict[str, Any], wait: int) -> str:
    if "wake" in result:
        return then(int(datetime.fromisoformat(result["wake"]).timestamp() * 1000))
    if result["ok"] is None:
        return silent(wait)
    if result["ok"]:
        return pick("zeigt das neue Zertifikat", "shows the new certificate")
    return answer_words(result)
