"""`bordstein batch`: twenty boards over four ports, with a cable that is pulled, a board that is broken, and a program
that is killed and then interrupted in the middle. The real esptool and mpremote, a real broker, a real gateway."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bordstein_tools.batch import protocol
from tests.hardware.loader import Faults
from tests.hardware.usb import UsbBoard
from tests.street import van as vans
from tests.street.processes import free_port, until
from tests.street.servers import Gateway, Mosquitto, Town

ROWS, PORTS = 20, 4
BROKEN = "24a160b000ff"
TOWN = """
owner = "Stadt Musterstadt"
[mqtt]
host = "{host}"
port = {port}
[networks.stadt]
wifi = [{{ ssid = "Stadt-Sensorik", password = "nicht-zu-zeigen" }}]
[kits.luft]
board = "esp32-devkitc"
sensors.air = {{ driver = "bme280", bus = "i2c0", interval_s = 2 }}
[sites.mitte]
network = "stadt"
kit = "luft"
"""


class Street:
    """The van with its list, and its boards, which hands plug into the ports one after another."""

    def __init__(self, folder: Path, van: Path, works: Path) -> None:
        self.van, self.works, self.folder = van, works, folder
        self.list = van / "liste.csv"
        self.protocol = protocol.beside(self.list)
        self.ports = [free_port() for _ in range(PORTS)]
        self.macs = [f"24a160b000{number:02x}" for number in range(ROWS)]
        self.boards: dict[str, UsbBoard] = {}
        self.over = threading.Event()

    def make_board(self, mac: str, port: int, like: str, faults: Faults | None = None) -> UsbBoard:
        home = self.folder / mac
        home.mkdir()
        if like:
            shutil.copy(self.folder / like / "chip", home / "chip")
        board = self.boards[mac] = vans.board_on_a_cable(home, mac, port=self.ports[port], faults=faults)
        return board

    def records(self, *events: str) -> list[dict[str, Any]]:
        content = self.protocol.read_bytes() if self.protocol.exists() else b""
        return [record for record in protocol.records(content) if record["event"] in events]

    def devices(self, *events: str) -> list[str]:
        return [record["device"] for record in self.records(*events)]

    def hand(self, boards: list[UsbBoard], pulled: UsbBoard | None) -> None:
        """Moves the cable on when a board is done."""
        for board in boards:
            mac = board.loader.mac
            board.plug()
            if board is pulled:
                board.unplug_at(30000)
                assert board.unplugged.wait(120)
                assert until(lambda mac=mac: mac in self.devices("broken"), 120)
                board.plug()
            event = "failed" if mac == BROKEN else "ready"
            while mac not in self.devices(event):
                if self.over.wait(0.1):
                    return
            board.unplug()

    @contextmanager
    def program(self, name: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        ports = [word for port in self.ports for word in ("--port", f"rfc2217://127.0.0.1:{port}")]
        with (self.van / f"{name}.out").open("w") as out, (self.van / f"{name}.err").open("w") as err:
            running = subprocess.Popen(
                [
                    *(Path(sys.executable).with_name("bordstein"), "batch", self.list.name, *ports),
                    *(*vans.software(self.works), "--labels", "etiketten", *words),
                ],
                cwd=self.van,
                env={**os.environ, "BORDSTEIN_LANG": "en"},
                stdout=out,
                stderr=err,
                text=True,
            )
            try:
                yield running
            finally:
                running.kill()
                running.wait()

    def said(self, name: str) -> str:
        return (self.van / f"{name}.out").read_text() + (self.van / f"{name}.err").read_text()


@pytest.fixture
def street(town: Town, own_broker: Mosquitto, works: Path, tmp_path: Path) -> Iterator[Street]:
    van = vans.van(tmp_path / "van", town, own_broker)
    (van / "bordstein.toml").write_text(TOWN.format(host=own_broker.host, port=own_broker.port))
    street = Street(tmp_path, van, works)
    for name, make in (("bare", vans.with_micropython), ("soft", lambda home: vans.with_software(home, works))):
        (tmp_path / name).mkdir()
        make(tmp_path / name)
    rows = [f"BS-{number:02};mitte;Platz {number}" for number in range(1, ROWS + 1)]
    rows[6] += f";{street.macs[12].upper()}"
    street.list.write_text("\n".join(["Inventarnummer;Gebiet;Ort;Gerät", *rows]) + "\n", encoding="cp1252")
    yield street
    street.over.set()
    for board in street.boards.values():
        if not board.unplugged.is_set():
            board.unplug()


@pytest.mark.timeout(600)
def test_twenty_boards_over_four_ports_each_get_one_row_whatever_happens(street: Street, own_gateway: Gateway) -> None:
    likes = {0: "", 5: "", 7: "bare"}
    queues: list[list[UsbBoard]] = [[] for _ in range(PORTS)]
    for number, mac in enumerate(street.macs):
        port = number % PORTS
        queues[port].append(street.make_board(mac, port, likes.get(number, "soft")))
    queues[2].insert(1, street.make_board(BROKEN, 2, "", Faults(silent_after=160)))
    hands = [
        threading.Thread(target=street.hand, args=(queue, queues[3][1] if number == 3 else None), daemon=True)
        for number, queue in enumerate(queues)
    ]
    for hand in hands:
        hand.start()
    with street.program("first") as program:
        happened = until(
            lambda: (
                program.poll() is not None
                or (len(street.devices("ready")) >= 7 and street.devices("failed") and street.devices("broken"))
            ),
            200,
        )
        assert happened and program.poll() is None, street.said("first")
        program.send_signal(signal.SIGKILL)
    (failed,) = street.records("failed")
    assert failed["device"] == BROKEN and "silent" in failed["error"]
    ready = len(street.devices("ready"))
    with street.program("second", "--redo", failed["asset"]) as program:
        assert until(lambda: len(street.devices("ready")) > ready + 2 or program.poll() is not None, 120)
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 1, street.said("second")
    assert "The same command goes on" in street.said("second")
    with street.program("third", "--json") as program:
        assert program.wait(240) == 0, street.said("third")
    for hand in hands:
        hand.join(10)
        assert not hand.is_alive()

    rows = json.loads((street.van / "third.out").read_text())["rows"]
    given = {row["asset"]: row["device"] for row in rows}
    assert [row["state"] for row in rows] == ["ready"] * ROWS
    assert sorted(given.values()) == street.macs, "a row for each board, and a board for each row"
    assert given["BS-07"] == street.macs[12]
    had: dict[str, set[str]] = {}
    for record in street.records("begin"):
        had.setdefault(record["device"], set()).add(record["asset"])
    assert {mac: {asset for asset, of in given.items() if of == mac} for mac in street.macs} | {
        BROKEN: {failed["asset"]}
    } == had
    with (street.van / vans.REGISTER).open(encoding="utf-8") as file:
        assert {row["asset"]: row["device"] for row in csv.DictReader(file)} == given
    assert {device["id"] for device in own_gateway.get("/api/latest")["devices"]} == set(street.macs)
    with (street.van / "bordstein-ca" / "issued.csv").open(encoding="utf-8") as file:
        issued = list(csv.DictReader(file))
    assert len({row["serial"] for row in issued}) == len(issued)
    assert {row["name"] for row in issued if row["kind"] == "device"} == set(street.macs)
    assert len(list((street.van / "etiketten").glob("BS-*.pdf"))) == ROWS
    assert (street.van / "etiketten" / "all-labels.pdf").read_bytes().count(b"/Type /Page\n") == ROWS
    said = "".join(street.said(name) for name in ("first", "second", "third")) + street.protocol.read_text()
    assert "Move the cable to the next board." in said
    assert not any(word in said for word in ("Traceback", "PRIVATE", "nicht-zu-zeigen"))
    assert not list(street.van.rglob("device.key*"))
