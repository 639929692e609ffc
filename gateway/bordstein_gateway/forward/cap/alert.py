"""An alert as CAP 1.2 XML. Pure.

Source: OASIS Common Alerting Protocol 1.2, sections 3.2 and 3.4: the elements' order is the schema's; times have an
offset and never Z, milliseconds never; an area without a place is allowed.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"


class Reference(NamedTuple):
    """An earlier message: what section 3.2.1 calls the extended message identifier. `sent`: ms UTC."""

    sender: str
    identifier: str
    sent: int

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{moment(self.sent)}"


class Area(NamedTuple):
    """`circle`: latitude, longitude, metres."""

    description: str
    polygon: str | None
    circle: tuple[float, float, float] | None


class Alert(NamedTuple):
    """All that is written. `sent`, `onset`, `expires`: ms UTC; `kind`: Alert, Update or Cancel; `info`: element ->
    text, such as event, headline, category."""

    identifier: str
    sender: str
    sent: int
    status: str
    kind: str
    scope: str
    restriction: str
    reference: Reference | None
    info: dict[str, str]
    area: Area


_INFO = (
    *("language", "category", "event", "responseType", "urgency", "severity", "certainty", "effective", "onset"),
    *("expires", "senderName", "headline", "description", "instruction", "web", "contact"),
)
"""In the schema's order."""
_NEEDED = ("category", "event", "urgency", "severity", "certainty")


def xml(alert: Alert) -> bytes:
    """The document, UTF-8."""
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(_name("alert"))
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", moment(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.kind)
    _add(root, "source", "bordstein-gateway")
    _add(root, "scope", alert.scope)
    _add(root, "restriction", alert.restriction)
    if alert.reference is not None:
        _add(root, "references", str(alert.reference))
    info = ElementTree.SubElement(root, _name("info"))
    for element in _INFO:
        if (text := alert.info.get(element)) or element in _NEEDED:
            _add(info, element, text or "")
    area = ElementTree.SubElement(info, _name("area"))
    _add(area, "areaDesc", alert.area.description)
    if alert.area.polygon is not None:
        _add(area, "polygon", " ".join(alert.area.polygon.split()))
    elif alert.area.circle is not None:
        latitude, longitude, metres = alert.area.circle
        _add(area, "circle", f"{latitude:.6f},{longitude:.6f} {metres / 1000:g}")
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def moment(milliseconds: int) -> str:
    """A time as section 3.3.2 wants it."""
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%dT%H:%M:%S}-00:00"


def _name(element: str) -> str:
    return f"{{{NAMESPACE}}}{element}"


def _add(parent: ElementTree.Element, element: str, text: str) -> None:
    # XML 1.0 has no control characters, not even escaped.
    plain = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    ElementTree.SubElement(parent, _name(element)).text = plain
