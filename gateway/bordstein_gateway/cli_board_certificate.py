"""`bordstein-gateway board certificate`: renewed certificates to the boards, over their running connection."""

import base64
import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from . import config
from .board_call import BoardCall, calls, sleeps
from .cli_board_list import answer_words, checked, silent, then
from .cli_common import DEFAULT_CONFIG, ConfigOption, Failed, JsonOption, iso, misuse, output
from .config import Mqtt
from .config_check import unreadable
from .devices import is_board
from .texts import pick


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
    settings = config.load(path)
    if (folder is None) == (file is None) or (folder is not None and device is not None):
        misuse(
            "entweder ein Gerät und sein Zertifikat, oder --folder ORDNER",
            "either a board and its certificate, or --folder FOLDER",
            "DEVICE FILE",
        )
    found = _of_folder(folder) if folder else [_Renewed(file)] if file else []
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


class _Renewed:
    """A certificate in a file. Failed: it is none, or not a board's."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            content = file.read_bytes()
        except OSError as error:
            raise Failed(f"{file}: {unreadable(error)}") from None
        try:
            pem = content.startswith(b"-----")
            self.found = x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
            self.device = str(self.found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        except (ValueError, IndexError):
            self.device = ""
        if not is_board(self.device):
            raise Failed(
                pick(
                    f"{file} ist kein Zertifikat eines Geräts; „bordstein ca renew“ stellt es aus",
                    f'{file} is no certificate of a board; "bordstein ca renew" makes it',
                )
            )

    def check(self, mqtt: Mqtt) -> None:
        """Failed: no broker would take it, so no board has to try."""
        end = self.found.not_valid_after_utc
        if end <= datetime.now(UTC):
            raise Failed(
                pick(
                    f"{self.file} ist am {end:%d.%m.%Y} abgelaufen; „bordstein ca renew“ stellt ein neues aus",
                    f'{self.file} expired on {end:%Y-%m-%d}; "bordstein ca renew" makes a new one',
                )
            )
        if mqtt.ca and not any(map(self._is_signed_by, _authorities(Path(mqtt.ca)))):
            raise Failed(
                pick(
                    f"{self.file} ist nicht von der Zertifizierungsstelle in {mqtt.ca}; kein Gerät bekommt es",
                    f"{self.file} is not signed by the authority in {mqtt.ca}; no board gets it",
                )
            )

    def _is_signed_by(self, authority: x509.Certificate) -> bool:
        try:
            self.found.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def command(self, number: str) -> bytes:
        """What the board is told."""
        der = base64.b64encode(self.found.public_bytes(Encoding.DER)).decode()
        return json.dumps({"id": number, "do": "certificate", "der": der}).encode()


def _authorities(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Failed(
            pick(
                f"{path} (mqtt.ca) ist nicht lesbar: {error}",
                f"{path} (mqtt.ca) can't be read: {error}",
            )
        ) from None


def _of_folder(folder: Path) -> list[_Renewed]:
    files = sorted(folder.glob("*.der"))
    if not files:
        raise Failed(
            pick(f"{folder}: hier liegt kein Zertifikat (*.der)", f"{folder}: there is no certificate here (*.der)")
        )
    return [_Renewed(file) for file in files]


def _send(mqtt: Mqtt, renewed: list[_Renewed], wait: int) -> list[dict[str, Any]]:
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
