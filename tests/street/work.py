"""What a street with rule sheets has beside its boards: the sheets, the desks, their mail, a login, and how to look
at the cases."""

import contextlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bordstein_gateway.cases.types import Case
from bordstein_gateway.rules import readymade
from bordstein_gateway.store import Store, cases
from bordstein_gateway.store.accounts import Account, Accounts
from bordstein_gateway.store.audit import COMMAND_LINE
from bordstein_gateway.web.accounts import passwords
from tests.street.processes import free_port
from tests.street.replayed import GULLY, TREE

DESKS = {
    "bauhof": "Bauhof",
    "bereitschaft": "Rufbereitschaft",
    "entwaesserung": "Stadtentwässerung",
    "ordnungsamt": "Ordnungsamt",
    "gruenflaechen": "Grünflächenamt",
    "beleuchtung": "Straßenbeleuchtung",
    "sensorik": "Sensorik",
}
USER = "demo"
_OF_THE_PLACE = {
    "gully-level": ('each = "device"', f'each = "device"\ndevices = ["{GULLY.device}"]'),
    "trees-dry": ('each = "device"', f'each = "device"\nstands_for = {{ "{TREE.device}" = 40 }}'),
}


def sheets(folder: Path) -> None:
    """The ready sheets, as this town has put them into its folder: fitted to its places, and all year round."""
    folder.mkdir(parents=True)
    for name in readymade.names():
        text = re.sub(r"(?m)^season = .*$", "# season: left out, to be seen all year", readymade.text(name))
        if name in _OF_THE_PLACE:
            there, instead = _OF_THE_PLACE[name]
            text = text.replace(there, instead, 1)
        file = folder / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        os.utime(file, (1_700_000_000, 1_700_000_000))  # long enough ago to be whole


class Mailbox:
    """The mail server that the desks' mail goes to (SMTP, RFC 5321). `received`: Message-ID -> how often."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: Counter[str] = Counter()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def section(self) -> dict[str, Any]:
        """[mail]"""
        return {"host": "127.0.0.1", "port": self.port, "tls": "none", "sender": "sensoren@musterstadt.example"}

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        found = re.search(rb"(?im)^message-id:\s*(\S+)", content)
        if found is None:
            return "554 a mail needs a Message-ID"
        self.received[found[1].decode()] += 1
        return "250 OK"

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def settings(mailbox: Mailbox) -> dict[str, Any]:
    """Of gateway.toml."""
    desks = {
        f"desk.{name}": {"title": title, "mail": f"{name}@musterstadt.example", "hours": ["mon-fri 07:00-16:00"]}
        for name, title in DESKS.items()
    }
    return {"town": {"land": "NW"}, "rules": {"max_age": "5d"}, "mail": mailbox.section(), **desks}


@dataclass
class Work:
    """What has become of the readings: the cases."""

    cases: Sequence[Case]
    fired: set[str] = field(default_factory=set)

    @property
    def quiet(self) -> list[str]:
        """Ready sheets that have not fired."""
        return [name for name in readymade.names() if name not in self.fired]

    @property
    def doubled(self) -> int:
        """Cases of one object and rule that began at the same moment."""
        begun = Counter((case.rule, case.object, case.event.get("since")) for case in self.cases)
        return sum(count - 1 for count in begun.values())

    def line(self) -> str:
        states = Counter(case.state for case in self.cases)
        told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()))
        rules = ", ".join(sorted(self.fired)) or "none yet"
        return f"cases {len(self.cases)}{f' ({told})' if told else ''}; rules that fired: {rules}"


def look(place: Path) -> Work:
    """The cases in a store."""
    with contextlib.closing(Store.open(place)) as store, store.database.reading() as connection:
        found, _ = cases.listed(connection, cases.CaseFilter(), limit=100_000)
    return Work(found, {case.rule for case in found})


def login(place: Path) -> str:
    """Makes the demonstration's account in a store; its password."""
    password = secrets.token_urlsafe(12)
    account = Account(USER, "Vorführung", "administrator", tuple(DESKS), "", password=passwords.hashed(password))
    with contextlib.closing(Store.open(place)) as store:
        Accounts(store).add(account, COMMAND_LINE).result(20)
    return password
