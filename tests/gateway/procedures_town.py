"""For the tests of procedures and errands: sheets with all that a procedure can have, and their configuration."""

from datetime import date
from typing import Any

from bordstein_gateway.config.config import Config, Gateway, Mqtt
from bordstein_gateway.config.office import Desk
from bordstein_gateway.rules.sheet import Both, Condition, Escalation, Field, Recovered, Sheet, Signal, Step

NOW = 1_790_000_000_000
CASE = {
    "case": "2026-17",
    "title": "Papierkorb voll",
    "place": "Marktplatz 7",
    "stage": "high",
    "latitude": 53.5511,
    "longitude": 9.9937,
    "fill": 0.93,
}
LOOK = Step(
    id="look",
    title=Both(de="Nachsehen", en="Look"),
    do="Hinfahren & nachsehen: <voll?>",
    form=[
        Field(name="full", label=Both(de="Voll?", en="Full?"), type="boolean", required=True),
        Field(name="kind", label="Art", type="choice", choices=["Glas", Both(de="Papier", en="Paper")]),
        Field(name="bags", label="Säcke", type="number", unit="1"),
    ],
)
ORDER = Step(
    id="order",
    title="Auftrag an die Stadt",
    service="open311",
    target="city",
    when="look.full && fill > 0.8",
    fields={"service_code": "0010", "description": "{{ place }}: {{ look.kind }}"},
)
TELL = Step(
    id="tell",
    title="Verwaltung verständigen",
    service="mail",
    target="office",
    desk="office",
    fields={"subject": "{{ title }}", "body": "{{ place }}, Vorgang {{ case }}"},
    on_error="stop",
)
EMPTY = Step(id="empty", title="Leeren", desk="driver", when="look.bags >= 2 || look.full")


def sheet(*steps: Step, **more: Any) -> Sheet:
    """A rule with these steps."""
    given: dict[str, Any] = {
        "name": "bin-full",
        "title": Both(de="Papierkorb voll", en="Bin full"),
        "why": "Ab vier Fünfteln liegt am nächsten Tag etwas daneben.",
        "owner": "depot",
        "deputy": "office",
        "legal_basis": "§ 17 KrWG",
        "review": date(2027, 1, 1),
        "signal": {"fill": Signal(property="fill_level")},
        "condition": Condition(fires="fill > 0.8"),
        "steps": list(steps),
        **more,
    }
    return Sheet(**given)


FULL = sheet(LOOK, ORDER, TELL, EMPTY, escalation=Escalation(after="2h"), recovered=Recovered(then="close"))
DESKS = {
    "depot": Desk(title="Bauhof", title_en="Depot", mail="bauhof@musterstadt.de", hours=["mon-fri 07:00-16:00"]),
    "office": Desk(title="Verwaltung", mail="amt@musterstadt.de"),
    "driver": Desk(title="Fahrer"),
}


def config(**more: Any) -> Config:
    """A gateway's configuration with these desks."""
    return Config(gateway=Gateway(data="/nowhere"), mqtt=Mqtt(host="localhost"), desk=DESKS, **more)
