"""A board enters the town's register: at the gateway (POST /api/devices), or in a CSV file that is imported later.

The file is what `bordstein-gateway board import` takes (gateway/bordstein_gateway/boards/registering.py).
"""

import codecs
import csv
import io
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..keys import keyfiles, names
from ..texts import Problem, pick, reason

COLUMNS = ("device", "urn", "asset", "place", "board", "software", "set_up", "site")
SINCE = "decommissioned"
_TIMEOUT_S = 10
_LONGEST = 65_536
_noting = threading.Lock()


class Registered(NamedTuple):
    """at: the gateway's address or the file's path, "" where neither was wanted. new: the gateway did not know it.
    missed: why it is not at the gateway although it should be; "": it is, or need not be."""

    at: str
    new: bool = False
    missed: str = ""

    def sentence(self) -> str:
        """For the technician."""
        if self.missed and self.at:
            return pick(
                f"Später zu importieren: {self.at}. {self.missed}", f"will be imported later: {self.at}. {self.missed}"
            )
        if self.missed or not self.at:
            return self.missed
        return pick(f"Eingetragen: {self.at}.", f"registered: {self.at}.")


class Refused(Problem):
    """The gateway does not take this entry."""


def check(gateway_url: str, token_file: Path | None) -> str:
    """The token; Problem where the address is none that it may be sent to, or where there is no token."""
    parts = urlsplit(gateway_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Problem(
            "Die Adresse des Gateways ist keine, erwartet wird https://gateway.musterstadt.de oder "
            "http://localhost:8080.",
            "the gateway's address is none, expected is https://gateway.musterstadt.de or http://localhost:8080.",
        )
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise Problem(
            f"Zu {parts.hostname} ginge das Token im Klartext: https:// benutzen, oder http://localhost:8080 durch "
            "„ssh -L 8080:localhost:8080 …“.",
            f"to {parts.hostname} the token would go in the clear: use https://, or http://localhost:8080 through "
            '"ssh -L 8080:localhost:8080 …".',
        )
    if token_file is None:
        raise Problem(
            "Für das Gateway fehlt das Token; bitte --token-file angeben.",
            "the token for the gateway is missing; give --token-file.",
        )
    token = keyfiles.read(token_file, "Die Datei mit dem Token", "the file with the token").strip().decode("latin-1")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Problem(f"In {token_file} steht kein Token.", f"there is no token in {token_file}.")
    return token


def register(
    facts: Mapping[str, str], gateway_url: str | None, token_file: Path | None, csv_path: Path | None
) -> Registered:
    """Enter a board. facts: COLUMNS, `device` at least. What the gateway does not get goes into the file, if there is
    to be one; the answer says why. Problem: only where the file cannot be written."""
    missed = ""
    if gateway_url:
        try:
            return Registered(gateway_url, post(facts, gateway_url, check(gateway_url, token_file)))
        except Problem as problem:
            missed = str(problem)
    if csv_path is None:
        return Registered("", missed=missed)
    note(csv_path, facts)
    return Registered(str(csv_path), missed=missed)


def post(facts: Mapping[str, str], gateway_url: str, token: str) -> bool:
    """Send a board to the gateway; whether it was new there. Problem: not reached; Refused: with its reason."""
    request = urllib.request.Request(  # noqa: S310  (check() has seen the address)
        gateway_url.rstrip("/") + "/api/devices",
        data=json.dumps({key: value for key, value in facts.items() if value != ""}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        method="POST",
    )
    here = urlsplit(gateway_url).scheme == "http"
    # The token goes nowhere else: not to where an answer points, and what is for this computer to no proxy.
    opener = urllib.request.build_opener(_NoRedirect, *([urllib.request.ProxyHandler({})] if here else []))
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            found = json.loads(answer.read(_LONGEST))
            return bool(found["outcome"] == "new")
    except urllib.error.HTTPError as error:
        raise _refusal(gateway_url, error) from None
    except (ValueError, KeyError, TypeError):
        raise Refused(
            f"Unter {gateway_url} antwortet kein Gateway von Bordstein; bitte die Adresse prüfen.",
            f"no Bordstein gateway answers at {gateway_url}; check the address.",
        ) from None
    except OSError as error:
        inner = getattr(error, "reason", error)
        why = reason(inner) if isinstance(inner, OSError) else str(inner)
        raise Problem(
            f"Das Gateway unter {gateway_url} ist nicht erreichbar ({why}); läuft es, und der Tunnel dorthin?",
            f"the gateway at {gateway_url} cannot be reached ({getattr(inner, 'strerror', None) or inner}); does it "
            "run, and the tunnel to it?",
        ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _refusal(gateway_url: str, error: urllib.error.HTTPError) -> Problem:
    try:
        problems = json.loads(error.read(_LONGEST))["problems"]
        de, en = (" ".join(str(problem[lang]) for problem in problems) for lang in ("de", "en"))
    except (OSError, ValueError, KeyError, TypeError):
        de, en = "Ist dort ein Gateway von Bordstein?", "Is a Bordstein gateway there?"
    kind = Refused if error.code == HTTPStatus.BAD_REQUEST else Problem
    return kind(
        f"Das Gateway unter {gateway_url} nimmt das Gerät nicht an ({error.code}). {de}",
        f"the gateway at {gateway_url} does not take the board ({error.code}). {en}",
    )


def note(path: Path, facts: Mapping[str, str]) -> None:
    """One line a board, the newest for each. Columns that somebody has added stay. Problem: it cannot be written."""
    with _noting:
        table = _read(path) if path.exists() else _Table([], [])
        if table.head:
            _check_head(path, table.head)
        rows = table.rows
        old = next((row for row in rows if _device(row) == facts["device"]), {})
        new = {**old, **{name: value for name, value in facts.items() if value}, SINCE: ""}
        _write(path, table, [*table.head, *COLUMNS], [*(row for row in rows if row is not old), new])


def decommission(path: Path, device: str, when: str) -> bool:
    """Notes in a column `decommissioned` when a board left (ISO 8601); is it in the file? Its row stays, as that of
    every asset that is written off: who asks later what became of a number finds the day. Problem."""
    with _noting:
        table = _read(path)
        _check_head(path, table.head)
        found = [row for row in table.rows if _device(row) == device]
        for row in found:
            row[SINCE] = row.get(SINCE) or when
        if found:
            _write(path, table, [*table.head, SINCE], table.rows)
    return bool(found)


def entries(path: Path) -> list[dict[str, str]]:
    """The boards in such a file. Problem: not readable, no column `device`."""
    table = _read(path)
    _check_head(path, table.head)
    return table.rows


def known(path: Path | None) -> list[dict[str, str]]:
    """The same of a file that note() may still have to make. Problem: one day it could not, or would spoil the file."""
    if path is None:
        return []
    if not path.exists():
        if not path.parent.is_dir():
            raise Problem(
                f"Den Ordner {path.parent} für {path.name} gibt es nicht.",
                f"there is no folder {path.parent} for {path.name}.",
            )
        keyfiles.check_target(path)
        return []
    table = _read(path)
    if table.head:
        _check_head(path, table.head)
    return table.rows


class _Table(NamedTuple):
    """head: names of the columns. separator: what stands between them. mark: what the file begins with."""

    head: list[str]
    rows: list[dict[str, str]]
    separator: str = ","
    mark: bytes = b""


def _read(path: Path) -> _Table:
    """A spreadsheet may have written it since. Problem."""
    content = keyfiles.read(path, "Das Verzeichnis", "the register")
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # It is written as UTF-8; without the mark Windows' spreadsheet would take that for its own letters.
        text, mark = content.decode("cp1252", "replace"), codecs.BOM_UTF8
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    head, rows = list[str](), list[dict[str, str]]()
    try:
        for cells in reader:
            if not head:
                head = [name.strip() for name in cells] if any(cells) else []
            elif any(cells[len(head) :]):
                raise csv.Error
            elif any(cells):
                rows.append(dict(zip(head, cells, strict=False)))
    except csv.Error:
        raise Problem(
            f"{path}, Zeile {reader.line_num}: unbrauchbar, Anführungszeichen und Zahl der Spalten prüfen; die Datei "
            "bleibt, wie sie ist.",
            f"{path}, line {reader.line_num}: of no use, check the quotation marks and how many columns there are; the "
            "file stays as it is.",
        ) from None
    return _Table(head, rows, separator, mark)


def _device(row: Mapping[str, str]) -> str:
    """As a person may have written it, too."""
    try:
        return names.device_id(row.get("device", ""))
    except Problem:
        return ""


def _check_head(path: Path, head: list[str]) -> None:
    if "device" not in head:
        raise Problem(
            f"{path} ist kein Verzeichnis von Geräten: die Spalte device fehlt.",
            f"{path} is no register of boards: the column device is missing.",
        )


def _write(path: Path, table: _Table, head: list[str], rows: list[dict[str, str]]) -> None:
    made = io.StringIO()
    writer = csv.DictWriter(
        made, list(dict.fromkeys(head)), restval="", extrasaction="ignore", delimiter=table.separator
    )
    writer.writeheader()
    writer.writerows(rows)
    keyfiles.replace(path, table.mark + made.getvalue().encode())
