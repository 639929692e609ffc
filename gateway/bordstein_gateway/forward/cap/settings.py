"""[forward.…] with kind = "cap"."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ...config.types import Duration, Text, Url, like
from ...config.words import Rule, expected, missing
from ...texts import pick
from ..when import EventForward, When
from ..when import rules as when_rules
from ..wording import problem

Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
# Neither Actual nor Public can be chosen. Only bodies that the law names may warn the public (in Germany over MoWaS);
# a sensor is a hint to the people on duty, and a false one that went out would cost the trust in all later ones.
Status = Literal["Draft", "Exercise"]
SCOPE = "Restricted"
Sender = Annotated[
    str,
    like(r"[^\s,<&\x00-\x1f]+", "ein Name ohne Leerzeichen, Komma, < und &", "a name without space, comma, < and &"),
]

_TEXTS = ("event", "headline", "description", "instruction", "area")


class CapWhen(When, kw_only=True):
    """A rule; what it names goes before the target's own."""

    event: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    severity: Severity | None = None
    certainty: Certainty | None = None


class Cap(EventForward, kw_only=True, tag_field="kind", tag="cap"):
    """Drafts go into `folder`, one file an alert, or by POST to `url`. `restriction`: for whom they are. `radius`:
    metres round the board, or `polygon`: the area, as CAP writes it: "lat,lon lat,lon …", the first point again at the
    end. `expires`: so long an alert holds. `recovered`: the message when the value has come back.
    """

    folder: Text | None = None
    sender: Sender = ""
    status: Status = "Draft"
    restriction: Text = "Nur für den Dienstgebrauch"
    event: str = "{{ label }}"
    headline: str = "{{ name }}: {{ label }} {{ value }}"
    description: str = "{{ label }} {{ value }} am {{ time }}, Schwelle {{ limit }}"
    instruction: str | None = None
    area: str = "{{ name }}"
    polygon: str | None = None
    radius: Annotated[int, Meta(ge=0, le=100_000)] = 100
    category: Category = "Infra"
    urgency: Urgency = "Unknown"
    severity: Severity = "Unknown"
    certainty: Certainty = "Observed"
    sender_name: Text | None = None
    contact: Text | None = None
    web: Url | None = None
    expires: Duration = "1d"
    recovered: Literal["Cancel", "Update"] = "Cancel"
    language: Literal["de", "en"] = "de"
    when: list[CapWhen] = msgspec.field(default_factory=list)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield from when_rules(forward)
    folder = forward.get("folder")
    if isinstance(folder, str) and not Path(folder).is_absolute():
        yield ("folder",), expected(pick("ein absoluter Pfad", "an absolute path"), folder)
    if "folder" in forward and {"url", "url_file"} & forward.keys():
        yield ("folder",), pick("entweder folder oder url, nicht beides", "either folder or url, not both")
    if "sender" not in forward:
        yield (), missing("sender", pick("wer warnt, wie leitstelle@musterstadt.de", "who warns, as in desk@town.de"))
    yield ("polygon",), _no_polygon(forward.get("polygon"))
    for key in _TEXTS:
        yield (key,), problem(forward.get(key))
    for place, when in enumerate(forward.get("when") or []):
        for key in _TEXTS if isinstance(when, dict) else ():
            yield ("when", place, key), problem(when.get(key))


def _no_polygon(polygon: Any) -> str:
    if not isinstance(polygon, str):
        return ""
    try:
        points = [tuple(map(float, pair.split(","))) for pair in polygon.split()]
    except ValueError:
        points = []
    right = all(len(point) == 2 and abs(point[0]) <= 90 and abs(point[1]) <= 180 for point in points)
    if len(points) >= 4 and right and points[0] == points[-1]:
        return ""
    return pick(
        'mindestens vier Punkte "Breite,Länge", der erste am Ende noch einmal',
        'at least four points "latitude,longitude", the first again at the end',
    )
