"""Whatever stands in a configuration, checking ends with sentences; and what passes can be started."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bordstein_gateway.config import config
from bordstein_gateway.config import open_data as config_open
from bordstein_gateway.config import parking as config_parking
from bordstein_gateway.forward.cap.settings import CapWhen
from bordstein_gateway.forward.engine_settings import EngineWhen
from bordstein_gateway.forward.open311.settings import Open311When
from bordstein_gateway.forward.starting import start
from bordstein_gateway.forward.unbuilt import Unbuilt
from bordstein_gateway.store import Store

FILES = [
    "ca.pem",
    "gateway.pem",
    "gateway.key",
    "secret",
    "umlaut",
    "address",
    "empty",
    "nowhere",
    "a\0",
    "/",
    "x" * 300,
]
WORDS = st.sampled_from(
    [
        "",
        " ",
        "a",
        "a\n",
        "ö",
        "\0",
        "x" * 300,
        "X-A",
        "X-Api-Key",
        "/data",
        "localhost",
        "::1",
        "a b",
        "a\r\nb",
        "urn:a:b",
    ]
)
URLS = st.sampled_from(
    [
        *(
            "https://h/",
            "http://localhost:9/x?y=1",
            "https://h:abc/",
            "https://:80/",
            "https://h:99999/",
            "https://[::1]/",
        ),
        *(
            "https://h/a b",
            "https://h/#x",
            "https://ü.de/ü",
            "https://u:p@h/",
            "https://h/?token=x",
            "https://[x",
            "//h",
        ),
    ]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([1, 20, 8883, 10**400])
ANY = st.recursive(WORDS | NUMBERS | st.booleans(), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
FILE = st.sampled_from(FILES)
TYPES = st.sampled_from(["String", "Integer", "Date", "Float"])
DURATIONS = st.sampled_from(["10m", "1h", "0s", "9999999d", "x"])
TEMPLATES = st.sampled_from(
    ["{{ value }}", "{{ nobody }}", "{% if %}", "{{ 1 / 0 }}", "{{ ''.__class__ }}", "{{ 5 * name }}"]
)
HEADERS = st.dictionaries(WORDS, WORDS | FILE, max_size=2)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "url": URLS,
    "context_url": URLS,
    "headers": HEADERS,
    "header_files": HEADERS,
    "members": st.dictionaries(WORDS, ANY, max_size=2),
    "id": st.sampled_from(["24a160123456", "24a160123456\n", "x"]),
    "properties": st.lists(st.sampled_from(["pm10", "x"]), max_size=2),
    "devices": st.lists(WORDS, max_size=1),
    "user": WORDS,
    "above": NUMBERS,
    "for": DURATIONS,
    "max_age": DURATIONS,
    "poll": DURATIONS,
    "description": WORDS | TEMPLATES,
    "address_string": TEMPLATES,
    "attributes": st.dictionaries(WORDS, TEMPLATES, max_size=2),
    "when": ANY,
    "entity": st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["ParkingSpot", "OnStreetParking", "WasteContainer", "Streetlight", "x"])},
            optional={
                "devices": st.lists(st.sampled_from(["24a160123456", "x"]), max_size=2),
                "groups": st.lists(WORDS, max_size=1),
                "id": WORDS,
                "attributes": st.dictionaries(WORDS | st.sampled_from(["status", "category"]), ANY, max_size=2),
            },
        ),
        max_size=2,
    ),
    "service_code": WORDS,
    "process": WORDS,
    "folder": st.sampled_from(["/nowhere/cap", "x", "\0"]),
    "business_key": TEMPLATES,
    "variables": st.dictionaries(
        WORDS, st.fixed_dictionaries({"value": TEMPLATES}, optional={"type": TYPES}), max_size=2
    ),
}
WHEN = {"property": "pm10", "above": 20.0}
TARGETS = {
    "webhook": config.Webhook,
    "sensorthings": config.SensorThings,
    "open311": config.Open311,
    "ngsi-ld": config.NgsiLd,
    "camunda7": config.Camunda7,
    "flowable": config.Flowable,
    "cap": config.Cap,
}
ALWAYS = {"ngsi-ld": {"context_url": "https://h/contexts"}}
WHENS = {"open311": Open311When, "camunda7": EngineWhen, "flowable": EngineWhen, "cap": CapWhen}


def toml(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value) if value > 0 else str(value)
    return repr(value) if isinstance(value, float) else json.dumps(value)


@st.composite
def sections(draw: st.DrawFn, struct: Any, always: dict[str, Any]) -> str:
    """Some of a section's keys, each with a value of its kind or with any."""
    names = draw(st.lists(st.sampled_from(struct.__struct_encode_fields__), unique=True, max_size=4))
    chosen = dict(always)
    for name in names:
        likely = BY_NAME.get(name, FILE if name.endswith("_file") or name in ("ca", "cert", "key") else WORDS | NUMBERS)
        chosen[name] = draw(likely if draw(st.integers(0, 5)) else ANY)
    return "".join(f"{json.dumps(name)} = {toml(value)}\n" for name, value in chosen.items())


@st.composite
def documents(draw: st.DrawFn) -> str:
    files = {"ca": "ca.pem", "cert": "gateway.pem", "key": "gateway.key"}
    text = "[mqtt]\n" + draw(
        sections(config.Mqtt, {"host": "localhost", **files}) if draw(st.booleans()) else st.just("")
    )
    if text == "[mqtt]\n":
        text = '[mqtt]\nhost = "localhost"\nca = "ca.pem"\ncert = "gateway.pem"\nkey = "gateway.key"\n'
    for name, struct in (("gateway", config.Gateway), ("store", config.Store), ("http", config.Http)):
        if draw(st.integers(0, 3)) == 0:
            text += f"[{name}]\n" + draw(sections(struct, {}))
    for number, kind in enumerate(draw(st.lists(st.sampled_from(list(TARGETS)), max_size=2))):
        text += f"[forward.{kind}{number}]\n" + draw(
            sections(TARGETS[kind], {"kind": kind, "url": "https://h/x", **ALWAYS.get(kind, {})})
        )
        if kind in WHENS:
            text += f"[[forward.{kind}{number}.when]]\n" + draw(sections(WHENS[kind], WHEN))
    if draw(st.integers(0, 3)) == 0:
        text += "[[device]]\n" + draw(sections(config.Device, {"id": "24a160123456"}))
    if draw(st.integers(0, 3)) == 0:
        text += "[publish]\n" + draw(sections(config_open.Publish, {}))
        text += "[[parking.site]]\n" + draw(sections(config_parking.Site, {"uid": "m", "name": "M"}))
        text += "[[publish.series]]\n" + draw(sections(config_open.PublishSeries, {"device": "24a160123456"}))
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=documents() | st.text(max_size=60))
def test_checking_never_raises_and_what_passes_can_be_started(folder: Path, store: Store, text: str) -> None:
    for name, content in (
        ("secret", "geheim"),
        ("umlaut", "ö"),
        ("address", "https://h/hook?token=geheim"),
        ("empty", ""),
    ):
        (folder / name).write_text(content)
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    found = config.problems(path)
    assert all(len(problem.splitlines()) == 1 for problem in found)
    assert "geheim" not in "".join(found)
    if not found:
        loaded = config.load(path)
        for box in start(loaded, store):
            assert not isinstance(box._target, Unbuilt), box._target._reason
            target: Any = box._target
            target = getattr(target, "_client", getattr(target, "_engine", target))
            target._http.build_request("POST", loaded.forward[box.name].url or "http://h/", content=b"")
