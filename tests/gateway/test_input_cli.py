"""What a person sees of other devices at the command line."""

import json
from pathlib import Path

import pytest
import typer

from bordstein_gateway.cli import input as cli_input
from bordstein_gateway.cli.common import Failed
from bordstein_gateway.cli.main import app
from bordstein_gateway.cli.release import _chosen
from bordstein_gateway.config.config import load
from bordstein_gateway.store import Store
from tests.gateway.inputs import EUI, LORA, TOPIC, inputs, read, uplink
from tests.gateway.packs import NOON
from tests.gateway.test_cli import configured, gateway

INPUT = LORA.replace("[[lora", "[[input.lora").replace("[lora", "[input.lora")
NAMED = '[plugs]\nkind = "tasmota"\nenterprise = 4711\n[[plugs.map]]\nvalues = { a = "air/air_temperature" }\n'


def test_decode_shows_what_an_uplink_becomes_and_what_no_map_names(folder: Path) -> None:
    path = configured(folder, INPUT)
    payload = uplink(7, at=NOON - 200_000_000, fields={"fill_pct": 25, "deep": {"er": 1}})
    run = gateway("decode", "-c", path, "--input", "lora", "--topic", TOPIC + "up", "-", stdin=payload)
    found = json.loads(run.stdout)
    assert (run.returncode, found["device"], found["seq"], found["unmapped"]) == (0, EUI, 7, ["deep.er"])
    assert [one for one in found["readings"] if one["series"] == "bin/fill_level"] == [
        {"series": "bin/fill_level", "time": (NOON - 200_000_000) * 1000, "value": 0.25, "unit": "/", "flags": []}
    ]
    assert cli_input.decode(load(path), "lora", TOPIC + "ack", payload) == {"ignored": "ack"}


def test_decode_says_why_an_uplink_cannot_be_read_and_what_to_do(folder: Path) -> None:
    path = configured(folder, INPUT)
    run = gateway("decode", "-c", path, "--input", "lora", "--topic", TOPIC + "up", "-", stdin=uplink(7), lang="de")
    assert run.returncode == 1 and run.stderr.startswith("ChirpStack hat die Bytes nicht dekodiert"), run.stderr
    settings = load(path)
    for name, topic, kind, said in (
        ("lora", TOPIC + "up", Failed, r"no \[\[input.lora.map\]\] matches .*application waste, profile meter"),
        ("ttn", TOPIC + "up", typer.BadParameter, r"there is no \[input.ttn\]; known are lora"),
        ("lora", "v3/a/devices/b/up", typer.BadParameter, r"listens to application/\+/device/\+/event/\+ only"),
    ):
        with pytest.raises(kind, match=said):
            cli_input.decode(settings, name, topic, uplink(7, profile="meter", fields={"a": 1}))


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def here(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says, run in this process: starting one costs seconds."""
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_completeness_does_not_claim_what_nobody_can_prove(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured(folder, "")
    store = Store.open(folder / "bordstein.sqlite")
    plug, bin_ = inputs(NAMED), inputs(LORA)
    sent = [
        read(plug, "tele/kiosk/SENSOR", {"a": 5}),
        *(read(bin_, TOPIC + "up", uplink(seq, fields={})) for seq in (1, 3)),
    ]
    store.write(sent, now_ms=NOON * 1000)
    store.close()
    asked = ("completeness", "-c", path, "--from", "2026-11-24", "--to", "2026-11-24")
    lines = here(capsys, *asked).splitlines()
    assert [line.split()[2:6] for line in lines if EUI in line] == [["3", "2", "1", "2:2-2"]]
    (kiosk,) = (line for line in lines if "4711-kiosk" in line)
    assert kiosk.split()[2:8] == ["–", "–", "–", "sends", "no", "numbers"]
    rows = {row["device"]: row for row in map(json.loads, here(capsys, *asked, "--json").splitlines())}
    assert (rows["4711-kiosk"]["expected"], rows["4711-kiosk"]["numbered"]) == (None, False)
    assert (rows[EUI]["expected"], rows[EUI]["missing"], rows[EUI]["numbered"]) == (3, 1, True)


def test_boards_commands_and_releases_are_for_boards_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured(folder, f'[[device]]\nid = "{EUI}"\nname = "Papierkorb 12"\ngroups = ["mitte"]\n')
    store = Store.open(folder / "bordstein.sqlite")
    store.write([read(inputs(LORA), TOPIC + "up", uplink(1, fields={"fill_pct": 5}))])
    store.close()
    for verb in (("command", EUI, "restart"), ("config", EUI), ("results", EUI)):
        with pytest.raises(typer.BadParameter, match=f'"{EUI}" is no board'):
            app(["board", verb[0], "-c", str(path), *verb[1:]], standalone_mode=False)
    with pytest.raises(Failed, match=f"there is no board {EUI}"):
        _chosen(load(path), Store.open(folder / "bordstein.sqlite"), [EUI], [])
    with pytest.raises(Failed, match="no board has the group mitte"):
        _chosen(load(path), Store.open(folder / "bordstein.sqlite"), [], ["mitte"])
    listed = here(capsys, "board", "list", "-c", path)
    assert "Papierkorb 12" in listed and "reporting" in listed
