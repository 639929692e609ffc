"""The board's link against a real Mosquitto with TLS, client certificates and the shipped access list."""

import json
import queue
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hardware.micropython import command, environment
from tests.street.client import TIMEOUT, Client
from tests.street.servers import GATEWAY_USER, Mosquitto, Town
from tests.street.tunnel import Tunnel

DEVICE, OTHER = "24a160000001", "24a160000002"
SCRIPT = Path(__file__).with_name("link_script.py")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def gateway(town: Town, broker: Mosquitto) -> Iterator[Client]:
    with Client(broker.port, town.context(town.gateway()), name=GATEWAY_USER) as client:
        client.subscribe("bordstein/v1/#")
        yield client


class Board:
    """A MicroPython process with a link; its lines can be waited for."""

    def __init__(self, town: Town, broker: Mosquitto, **told: object) -> None:
        issued = town.device(DEVICE)
        given = {
            "host": "localhost",
            "port": broker.port,
            "device": DEVICE,
            "ca": str(issued.ca_der),
            "cert": str(issued.certificate_der),
            "key": str(issued.key_der),
            "count": 1,
            **told,
        }
        # In a file: MicroPython takes no argument of more than 255 characters.
        told_file = town.folder / f"told-{uuid.uuid4().hex[:8]}.json"
        told_file.write_text(json.dumps(given))
        self.lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            command(SCRIPT, told_file, heapsize="256K"),
            cwd=town.folder,  # the clock keeps a file there
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def says(self, word: str) -> str:
        """Waits for a line that begins with the word."""
        heard = []
        while True:
            try:
                heard.append(self.lines.get(timeout=TIMEOUT))
            except queue.Empty:
                raise AssertionError(f"no line begins with {word!r}; heard: {heard}") from None
            if heard[-1].startswith(word):
                return heard[-1]

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def numbers(gateway: Client, count: int) -> set[int]:
    """The different readings that arrive, until there are so many."""
    found: set[int] = set()
    while len(found) < count:
        message = gateway.receive()
        if message.topic.endswith("/readings"):
            found.add(int(message.payload))
    return found


def test_messages_arrive_over_mutual_tls(town: Town, broker: Mosquitto, gateway: Client) -> None:
    with Board(town, broker, count=20) as board:
        assert numbers(gateway, 20) == set(range(20))
        board.says("published")


def test_a_board_without_power_is_reported_by_its_will(town: Town, broker: Mosquitto, gateway: Client) -> None:
    with Board(town, broker) as board:
        board.says("published")
    while (message := gateway.receive()).topic != f"bordstein/v1/{DEVICE}/state":
        pass
    assert json.loads(message.payload) == {"state": "lost"}


def test_a_goodbye_keeps_the_will_unpublished(town: Town, broker: Mosquitto, gateway: Client) -> None:
    with Board(town, broker, close=True) as board:
        board.says("published")
        assert board.process.wait(TIMEOUT) == 0
    gateway.publish(f"bordstein/v1/{DEVICE}/command", b"end")
    topics = []
    while (message := gateway.receive()).payload != b"end":
        topics.append(message.topic)
    assert f"bordstein/v1/{DEVICE}/state" not in topics


def test_commands_wait_in_the_session_of_a_board_that_is_away(town: Town, broker: Mosquitto, gateway: Client) -> None:
    with Board(town, broker) as board:
        assert board.says("connected") == "connected False"
        board.says("published")
    gateway.publish(f"bordstein/v1/{DEVICE}/command", b"hello")
    with Board(town, broker) as board:
        assert board.says("connected") == "connected True"
        assert board.says("message") == "message hello"


def test_a_killed_broker_costs_no_message(town: Town, broker: Mosquitto) -> None:
    with Board(town, broker, count=400) as board:
        board.says("connected")
        broker.kill()
        broker.start()
        board.says("connected")
        with Client(broker.port, town.context(town.gateway()), name=GATEWAY_USER) as gateway:
            gateway.subscribe("bordstein/v1/#")
            board.says("published")  # each of the 400 got its PUBACK


def test_a_half_open_connection_is_noticed_and_left_and_nothing_is_lost(
    town: Town, broker: Mosquitto, gateway: Client
) -> None:
    told = {"count": 60, "pause_ms": 20, "keepalive_s": 5}
    with Tunnel(broker.port) as tunnel, Board(town, broker, port=tunnel.port, **told) as board:
        found = numbers(gateway, 5)
        tunnel.freeze()
        assert "silent" in board.says("link:")  # by its own patience: nobody tells it
        tunnel.thaw()
        while found != set(range(60)):  # what was on its way comes twice
            found |= numbers(gateway, 1)
        board.says("published")


def test_a_broker_that_takes_the_call_and_says_nothing_is_given_up(town: Town, broker: Mosquitto) -> None:
    with Tunnel(broker.port) as tunnel:
        tunnel.freeze()
        with Board(town, broker, port=tunnel.port, step_ms=1000) as board:
            assert "takes too long" in board.says("link:")
            tunnel.thaw()
            board.says("published")


def test_a_broker_of_another_authority_is_refused(town: Town, tmp_path: Path) -> None:
    foreign = Town(tmp_path / "foreign")
    with Mosquitto(foreign, folder=tmp_path / "broker") as broker, Board(town, broker) as board:
        assert "connected" not in board.says("link: ")


def test_a_broker_with_another_host_name_is_refused(town: Town, tmp_path: Path) -> None:
    server = town.broker("mqtt.musterstadt.example")
    with Mosquitto(town, folder=tmp_path / "broker", server=server) as broker, Board(town, broker) as board:
        assert "connected" not in board.says("link: ")


def test_a_board_with_a_foreign_certificate_is_refused(town: Town, broker: Mosquitto, tmp_path: Path) -> None:
    stranger = Town(tmp_path / "foreign").device(DEVICE)
    with Board(town, broker, cert=str(stranger.certificate_der), key=str(stranger.key_der)) as board:
        board.says("link: ")
        assert board.lines.empty() or not board.lines.get().startswith("connected")


def test_what_is_published_below_another_device_reaches_nobody(town: Town, broker: Mosquitto, gateway: Client) -> None:
    with Board(town, broker, writes_as=OTHER) as board:
        board.says("connected")
        gateway.publish(f"bordstein/v1/{DEVICE}/command", b"end")
        assert gateway.receive().payload == b"end"
