"""A town hall with pages, for their tests: rule sheets, cases in every state, an account of each role."""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from starlette.testclient import TestClient

from bordstein_gateway.cases.types import Case
from bordstein_gateway.config import config
from bordstein_gateway.rules.verdict import Edge, Verdict
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store, Where
from bordstein_gateway.store.accounts import Account, Accounts, Login, put
from bordstein_gateway.web import app as web

BIN, OTHER_BIN, GULLY = "24a160000001", "24a160000002", "24a160000003"
ROLES = ("reader", "worker", "dispatcher", "administrator")
NAMES = {"reader": "rita", "worker": "willi", "dispatcher": "doris", "administrator": "anna"}
HOUR = 3_600_000
BIN_FULL = """\
name = "bin-full"
title = { de = "Papierkorb voll", en = "Bin full" }
why = { de = "Ab 80 % liegt in zwei Tagen Müll daneben.", en = "From 80 % on waste lies beside it in two days." }
owner = "depot"
deputy = "office"
legal_basis = { de = "§ 20 KrWG", en = "§ 20 KrWG" }
review = 2031-06-01

[signal.fill]
property = "fill_level"
take = "median"
last = 3

[condition]
clears = "fill < 0.6"
cooldown = "2h"
times = ["mon-fri 06:00-20:00"]

[[stage]]
name = "full"
title = { de = "voll", en = "full" }
fires = "fill >= 0.8"

[[stage]]
name = "over"
title = { de = "läuft über", en = "running over" }
fires = "fill >= 0.95"
for = "30m"
priority = "high"

[[step]]
id = "drive"
title = { de = "Hinfahren", en = "Drive there" }
do = { de = "Schlüssel 7 mitnehmen.", en = "Take key 7 along." }

[[step]]
id = "empty"
title = { de = "Leeren und nachsehen", en = "Empty it and look" }
do = { de = "Beutel tauschen, Umfeld aufsammeln.", en = "Change the bag, pick up around it." }
form = [
    { name = "found", label = { de = "Füllung", en = "Filling" }, type = "number", unit = "%", required = true },
    { name = "beside", label = { de = "Müll daneben", en = "Waste beside it" }, type = "boolean" },
    { name = "tour", label = "Tour", type = "choice", choices = [{ de = "heute", en = "today" }, "morgen"] },
    { name = "damage", label = { de = "Schaden", en = "Damage" } },
    { name = "picture", label = { de = "Foto", en = "Photo" }, type = "photo" },
]

[escalation]
after = "8h"

[benefit]
trips = 1
minutes = 25
"""
GULLY_LEVEL = """\
name = "gully-level"
title = { de = "Einlauf staut zurück", en = "Gully backs up" }
why = "Ab 40 cm steht bei Regen nach 20 Minuten Wasser auf der Straße."
owner = "office"
deputy = "depot"
legal_basis = "§ 823 BGB, Verkehrssicherungspflicht"
review = 2020-01-01
priority = "high"

[signal.level]
property = "water_level"

[condition]
fires = "level > 0.4"
clears = "level < 0.3"
for = "10m"
season = "03-01..11-30"

[[step]]
id = "clean"
title = { de = "Einlauf reinigen", en = "Clean the inlet" }
do = { de = "Gitter abheben, Laub heraus.", en = "Lift the grate, take the leaves out." }
"""


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass
class Hall:
    """A service with its office."""

    state: ServiceState
    app: Any

    def client(self, role: str | None = "dispatcher", *, language: str = "de") -> TestClient:
        """A browser that is logged in as this role's account; None: as nobody."""
        found = TestClient(self.app, base_url="http://testserver", follow_redirects=True)
        found.headers["accept-language"] = language
        if role is not None:
            found.cookies.set("bordstein", self.token(NAMES[role]))
        return found

    def token(self, account: str) -> str:
        """What the cookie of a new login holds."""
        token, now = secrets.token_urlsafe(16), now_ms()
        digest = hashlib.sha256(token.encode()).hexdigest()
        Accounts(self.state.store).begin(Login(digest, account, f"csrf-{token}", now, now, now + 24 * HOUR)).result()
        return token

    def fires(
        self, rule: str = "bin-full", object: str = BIN, stage: str = "full", edge: Edge = "fires", **signals: Any
    ) -> Case:
        """A rule says something of an object; its case."""
        now = now_ms()
        seen = signals or {"fill": 0.825}
        said = Verdict(rule, object, edge, now - 60_000, now - 2 * HOUR, stage, seen, ())
        id = self.state.office.cases.verdict(said, self.state.office.shelf.sheets()[rule]).result()
        assert id is not None
        case = self.state.office.cases.get(id)
        assert case is not None
        return case


def hall(place: Where, folder: Path, **sections: Any) -> Hall:
    """One with a store of its own; close that."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules/bin-full.toml").write_text(BIN_FULL)
    (folder / "rules/gully-level.toml").write_text(GULLY_LEVEL)
    settings = {
        "mqtt": {"host": "localhost"},
        "gateway": {"data": str(folder)},
        "rules": {"folder": str(folder / "rules")},
        "town": {"name": "Musterstadt", "land": "HE"},
        "desk": {
            "depot": {"title": "Bauhof", "title_en": "Depot", "mail": "bauhof@musterstadt.example"},
            "office": {"title": "Tiefbauamt", "title_en": "Civil engineering"},
        },
        "device": [
            {"id": BIN, "name": "Marktplatz 7", "latitude": 49.9, "longitude": 8.2, "groups": ["mitte"]},
            {"id": OTHER_BIN, "name": "Bahnhofstraße 12", "latitude": 49.91, "longitude": 8.21},
            {"id": GULLY, "name": "Unterführung Nordring", "latitude": 49.92, "longitude": 8.22},
        ],
        **sections,
    }
    store = Store.open(place)
    state = ServiceState(msgspec.convert(settings, config.Config), store, started=time.time())
    state.ingest.last_turn = time.monotonic()
    full_names = ("Rita Leser", "Willi Weber", "Doris Dorn", "Anna Amt")

    def accounts(connection: Any) -> None:
        for role, full_name in zip(ROLES, full_names, strict=True):
            desks = ("depot",) if role in ("worker", "dispatcher") else ()
            put(connection, Account(NAMES[role], full_name, role, desks, created=1))

    store.submit(accounts).result()
    return Hall(state, web.app(state))


def csrf(page: str) -> str:
    """What a page's forms hold."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]
