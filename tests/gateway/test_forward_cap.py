"""Events as drafts of alerts: what OASIS CAP 1.2 asks of them, and that each is there once and whole."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from bordstein_gateway.config.config import Cap
from bordstein_gateway.forward.cap.alert import NAMESPACE, Alert, Area, Reference, xml
from bordstein_gateway.forward.cap.settings import CapWhen
from bordstein_gateway.forward.events import links
from bordstein_gateway.forward.target import Retry
from tests.gateway.events import NAME, Bins, deliver, outbox, tried
from tests.gateway.loopback import Loopback, turned

# Sections 3.2.1, 3.2.2, 3.2.4 and the schema in 3.4: element, at least, at most, in this order.
ALERT = [
    *("identifier 1 1", "sender 1 1", "sent 1 1", "status 1 1", "msgType 1 1", "source 0 1", "scope 1 1"),
    *("restriction 0 1", "addresses 0 1", "code 0 9", "note 0 1", "references 0 1", "incidents 0 1", "info 0 9"),
]
INFO = [
    *("language 0 1", "category 1 9", "event 1 1", "responseType 0 9", "urgency 1 1", "severity 1 1", "certainty 1 1"),
    *("audience 0 1", "eventCode 0 9", "effective 0 1", "onset 0 1", "expires 0 1", "senderName 0 1", "headline 0 1"),
    *("description 0 1", "instruction 0 1", "web 0 1", "contact 0 1", "parameter 0 9", "resource 0 9", "area 0 9"),
]
AREA = ["areaDesc 1 1", "polygon 0 9", "circle 0 9", "geocode 0 9", "altitude 0 1", "ceiling 0 1"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-00:00"


def fits(element: ElementTree.Element, schema: list[str]) -> dict[str, str]:
    """The element's texts, once its children are those of the schema, in its order."""
    names = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    order = [line.split()[0] for line in schema]
    assert names == sorted(names, key=order.index)
    for line in schema:
        name, least, most = line.split()
        assert int(least) <= names.count(name) <= int(most), name
    return {name: child.text or "" for name, child in zip(names, element, strict=True)}


def read(document: bytes) -> dict[str, str]:
    """All texts of a valid alert."""
    root = ElementTree.fromstring(document)
    assert root.tag == f"{{{NAMESPACE}}}alert"
    info = root.find(f"{{{NAMESPACE}}}info")
    assert info is not None
    area = info.find(f"{{{NAMESPACE}}}area")
    assert area is not None
    return {**fits(root, ALERT), **fits(info, INFO), **fits(area, AREA)}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bins]:
    log = Bins(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Cap:
    return Cap(
        folder=str(tmp_path / "cap"),
        sender="sensoren@musterstadt.de",
        when=[
            CapWhen(what="fill_level", above=0.8, clear=0.6, severity="Minor", instruction="Bitte <leeren> & melden")
        ],
    )


def test_a_draft_follows_the_schema_and_is_taken_back(log: Bins, settings: Cap) -> None:
    log.fill([0.85, 0.92])
    assert deliver(log, settings) == []
    folder = Path(settings.folder or "")
    (file,) = folder.iterdir()
    alert = read(file.read_bytes())
    case = links(log.store, NAME)[0]["case"]
    assert (file.name, alert["identifier"]) == (f"{case}.xml", case)
    assert (alert["status"], alert["scope"], alert["msgType"]) == ("Draft", "Restricted", "Alert")
    assert alert["circle"] == "53.551100,9.993700 0.1"
    assert alert["headline"] == "Marktplatz 7: Füllstand 92,0 %"
    assert (alert["severity"], alert["instruction"]) == ("Minor", "Bitte <leeren> & melden")
    for name in ("sent", "onset", "expires"):
        assert re.fullmatch(TIME, alert[name])
    log.fill([0.3, 0.3])
    settings.recovered = "Update"
    assert deliver(log, settings) == []
    over = read((folder / f"{case}-Update.xml").read_bytes())
    assert (over["msgType"], over["responseType"], over["urgency"]) == ("Update", "AllClear", "Past")
    assert over["references"] == f"{alert['sender']},{alert['identifier']},{alert['sent']}"
    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_can_not_be_written_loses_nothing(log: Bins, settings: Cap, tmp_path: Path) -> None:
    (tmp_path / "cap").write_text("a file in its place")
    log.fill([0.85, 0.92])
    assert "can't be written" in deliver(log, settings)[0]
    (tmp_path / "cap").unlink()
    assert deliver(log, settings) == []
    assert len(list((tmp_path / "cap").iterdir())) == 1


class Desk:
    """Takes alerts by POST and keeps each; told to, it breaks off after that."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.status = 500

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        request = Request(scope, receive)  # type: ignore[arg-type]
        assert request.headers["content-type"] == "application/cap+xml; charset=utf-8"
        self.taken.append(await request.body())
        await Response(status_code=self.status)(scope, receive, send)  # type: ignore[arg-type]


def test_a_draft_that_is_posted_again_is_the_same_message(log: Bins, settings: Cap) -> None:
    desk = Desk()
    log.fill([0.85, 0.92])
    with Loopback(desk) as host:
        settings.folder, settings.url = None, host.url + "/cap"

        async def run() -> None:
            box = outbox(log, settings)
            with pytest.raises(Retry):
                await box.turn()
            await box._target.close()
            desk.status = 204
            box = outbox(log, settings)
            assert await turned(box) == []
            await box._target.close()

        asyncio.run(run())
    first, second = desk.taken
    assert first == second


def test_a_trial_is_a_draft_that_says_so(settings: Cap, tmp_path: Path) -> None:
    assert f"{settings.folder} took the trial record, draft B-" in tried(tmp_path, settings)
    (file,) = Path(settings.folder or "").iterdir()
    alert = read(file.read_bytes())
    assert (alert["status"], alert["event"]) == ("Draft", "Bordstein-Probe / trial")


@settings_of(max_examples=50, deadline=None)
@given(text=st.text(max_size=60))
def test_whatever_a_text_holds_the_document_can_be_read(text: str) -> None:
    first = Reference("a", "b", 0)
    info = {"category": "Infra", "event": text, "urgency": "Past", "severity": "Minor", "certainty": "Observed"}
    area = Area(text, None, None)
    read(xml(Alert("i", "s", 1_795_521_600_123, "Draft", "Alert", "Restricted", "r", first, info, area)))
