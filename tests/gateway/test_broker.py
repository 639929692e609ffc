"""The shipped Mosquitto configuration and the doctor, each with a real broker."""

import getpass
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import bordstein_gateway
from bordstein_gateway.boards.visitor import Visitor
from bordstein_gateway.config.config import Mqtt
from bordstein_gateway.doctor.broker import broker
from bordstein_gateway.doctor.finding import Finding
from tests.street.processes import Process, free_port
from tests.street.servers import Mosquitto, Town, mosquitto_path

PACKAGE = Path(bordstein_gateway.__file__).parent
ROOT = "bordstein/v1"


@dataclass
class Broker:
    """A running broker, and how to log in to it under a certificate's name."""

    town: Town
    port: int

    def as_gateway(self, **changes: object) -> Mqtt:
        return self.login("bordstein-gateway", **changes)

    def login(self, name: str, **changes: object) -> Mqtt:
        issued = self.town.device(name) if re.fullmatch("[0-9a-f]{12}", name) else self.town.gateway(name)
        files = {"ca": str(issued.ca), "cert": str(issued.certificate), "key": str(issued.key)}
        # Only MQTT 5 says which message or subscription was refused.
        given = {"host": "localhost", "port": self.port, "client_id": name, "protocol": 5, **files, **changes}
        return Mqtt(**given)  # type: ignore[arg-type]


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def running(town: Town, folder: Path, changes: dict[str, object]) -> Iterator[Broker]:
    """A broker with the shipped configuration in places of its own; what `changes` maps to None is left out."""
    port, server, acl = free_port(), town.broker(), folder / "acl"
    acl.write_text((PACKAGE / "mosquitto/bordstein.acl").read_text())
    acl.chmod(0o600)
    text = (PACKAGE / "mosquitto/mosquitto.conf").read_text()
    places: dict[str, object] = {
        "listener": f"{port} 127.0.0.1",
        "cafile": server.ca,
        "certfile": server.certificate,
        "keyfile": server.key,
        "acl_file": acl,
        "persistence_location": f"{folder}/",
        "log_dest": "stderr",
        "sys_interval": 1,
    }
    for name, value in (places | changes).items():
        line = "" if value is None else f"{name} {value}"
        text, count = re.subn(rf"^{name} .*$", line, text, flags=re.MULTILINE)
        assert count == 1, name
    (folder / "mosquitto.conf").write_text(f"user {getpass.getuser()}\n{text}")
    process = Process("mosquitto", [mosquitto_path(), "-c", folder / "mosquitto.conf"], folder / "log")
    process.start()
    process.wait_ready(lambda: answers(port), 20)
    yield Broker(town, port)
    process.stop()
    assert ": Error" not in (folder / "log").read_text()


@pytest.fixture(scope="module")
def shipped(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    yield from running(town, tmp_path_factory.mktemp("shipped"), {})


@pytest.fixture
def fresh(town: Town, tmp_path: Path) -> Iterator[Broker]:
    """As shipped, for one test alone."""
    yield from running(town, tmp_path, {})


@pytest.fixture(scope="module")
def careless(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With Mosquitto's defaults for what waits."""
    changes = dict.fromkeys(("max_queued_messages", "max_queued_bytes", "autosave_interval"))
    yield from running(town, tmp_path_factory.mktemp("careless"), dict(changes))


# --- the access list -----------------------------------------------------------------------------------------------

DEVICE, OTHER = "24a160123456", "24a160999999"


def may(login: Mqtt, topics: list[str]) -> set[str]:
    """The topics that the broker takes a message on (MQTT 5 says so in its PUBACK)."""
    client = Visitor(login, "acl")
    try:
        client.connect(clean=True)
        return {topic for topic in topics if not client.publish(topic, [b""])[0].is_failure}
    finally:
        client.close()


ALL = ["readings", "state", "health", "config/reported", "command/result", "release/get"]
BACK = ["receipt", "config", "command", "release", "release/data"]


def test_a_board_writes_its_own_topics_and_no_others(shipped: Broker) -> None:
    own = [f"{ROOT}/{DEVICE}/{name}" for name in ALL]
    foreign = [f"{ROOT}/{DEVICE}/{name}" for name in BACK]
    foreign += [f"{ROOT}/{OTHER}/{name}" for name in ALL + BACK] + [ROOT, "other", f"{ROOT}/{DEVICE}/readings/x"]
    assert may(shipped.login(DEVICE), own + foreign) == set(own)


def test_the_gateway_answers_boards_and_never_speaks_for_one(shipped: Broker) -> None:
    answers = [f"{ROOT}/{DEVICE}/{name}" for name in [*BACK, "state"]]
    boards = [f"{ROOT}/{DEVICE}/{name}" for name in ALL if name != "state"]
    assert may(shipped.as_gateway(), answers + boards) == set(answers)


def test_a_board_hears_its_own_answers_only(shipped: Broker) -> None:
    board, gateway = Visitor(shipped.login(DEVICE), "listen"), Visitor(shipped.as_gateway(), "speak")
    try:
        board.connect(clean=True)
        for topic in ("#", f"{ROOT}/+/receipt", f"{ROOT}/{DEVICE}/receipt"):
            board.subscribe(topic)
        gateway.connect(clean=True)
        gateway.publish(f"{ROOT}/{OTHER}/receipt", [b"other"])
        gateway.publish(f"{ROOT}/{DEVICE}/receipt", [b"own"])
        board.wait(lambda: f"{ROOT}/{DEVICE}/receipt" in board.messages)
        assert set(board.messages.values()) == {b"own"}
    finally:
        board.close()
        gateway.close()


# --- the doctor ----------------------------------------------------------------------------------------------------


def version() -> tuple[int, ...]:
    text = subprocess.run([mosquitto_path(), "-h"], capture_output=True, text=True).stdout
    found = re.search(r"mosquitto version (\d+)\.(\d+)\.(\d+)", text)
    assert found
    return tuple(map(int, found.groups()))


def said(findings: Iterator[Finding]) -> tuple[list[str], list[str]]:
    """What would lose data, and the rest."""
    found = list(findings)
    # The Mosquitto of Debian 12 is worth a note and no reason to fail: the gateway loses nothing by its age.
    old = [finding.level for finding in found if "in-flight window" in finding.en]
    assert old == ["note"] * (version() < (2, 0, 13))
    lost = [finding.en for finding in found if finding.level == "loses"]
    return lost, [finding.en for finding in found if finding.level != "loses"]


@pytest.mark.parametrize("protocol", [5, 4])
def test_the_doctor_finds_nothing_with_the_shipped_configuration(shipped: Broker, protocol: int) -> None:
    lost, rest = said(broker(shipped.as_gateway(protocol=protocol)))
    assert lost == []
    assert "1500 messages to a receiver that was away all arrived." in rest


def test_the_doctor_sees_a_queue_that_is_too_short_and_what_it_has_dropped(careless: Broker) -> None:
    lost, _ = said(broker(careless.as_gateway()))
    assert any("max_queued_messages is too small" in sentence for sentence in lost), lost
    watcher = Visitor(careless.as_gateway(), "watch")
    try:
        watcher.connect(clean=True)
        watcher.subscribe("$SYS/broker/publish/messages/dropped")
        watcher.wait(lambda: watcher.messages.get("$SYS/broker/publish/messages/dropped", b"0") != b"0")
    finally:
        watcher.close()
    lost, _ = said(broker(careless.as_gateway(), probe=False))
    assert any("has thrown away" in sentence for sentence in lost), lost


def test_the_doctor_leaves_no_session_behind(fresh: Broker) -> None:
    for _ in range(2):
        list(broker(fresh.as_gateway()))
    watcher = Visitor(fresh.as_gateway(), "watch")
    try:
        watcher.connect(clean=True)
        watcher.subscribe("$SYS/broker/clients/total")
        # The broker counts once a second; at last there is nobody but the one who asks.
        watcher.wait(lambda: watcher.messages.get("$SYS/broker/clients/total") == b"1")
    finally:
        watcher.close()
    assert watcher.messages["$SYS/broker/clients/total"] == b"1"


@pytest.mark.parametrize("protocol", [5, 4])
def test_the_doctor_says_what_the_access_list_refuses(shipped: Broker, protocol: int) -> None:
    sentences = [finding.en for finding in broker(shipped.login("stranger", protocol=protocol))]
    assert any("may not write" in sentence for sentence in sentences), sentences


def test_the_doctor_sees_when_the_brokers_certificate_ends(town: Town, tmp_path: Path) -> None:
    server = town.authority.issue_broker(["localhost"], out=tmp_path / "server", days=20)
    with Mosquitto(town, folder=tmp_path / "broker", server=server) as running:
        login = Broker(town, running.port).as_gateway()
        found = [finding for finding in broker(login, probe=False) if "certificate" in finding.en]
    (finding,) = found
    assert finding.level == "loses" and f"{server.not_after:%Y-%m-%d}" in finding.en
    assert "The certificate of the broker localhost" in finding.en and "Das Zertifikat des Brokers" in finding.de


def test_the_doctor_asks_a_broker_without_mqtt_5_in_its_own_words() -> None:
    levels = []

    def old_broker(listener: socket.socket) -> None:
        """Answers CONNECT as MQTT 3.1.1 section 3.2.2.3 says, refusing all but version 4 and then anybody."""
        for _ in range(2):
            peer, _ = listener.accept()
            with peer:
                level = peer.recv(1000).partition(b"MQTT")[2][0]
                levels.append(level)
                peer.sendall(b"\x20\x02\x00" + (b"\x05" if level == 4 else b"\x01"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=old_broker, args=(listener,), daemon=True)
        thread.start()
        login = Mqtt(host="127.0.0.1", port=listener.getsockname()[1], tls=False)
        found = [finding.en for finding in broker(login)]
        thread.join(10)
    assert levels == [5, 4]
    assert "does not speak MQTT 5" in found[0] and "refuses the gateway" in found[1]


def test_the_doctor_says_why_there_is_no_connection(shipped: Broker, town: Town, tmp_path: Path) -> None:
    def only(login: Mqtt) -> Finding:
        (finding,) = broker(login)
        assert finding.level == "loses"
        return finding

    port = free_port()
    gone = only(shipped.as_gateway(port=port))
    assert (
        gone.en == f"Nobody listens at localhost:{port}; is the broker running? Else look at mqtt.host and mqtt.port."
    )
    assert gone.de.startswith(f"Unter localhost:{port} nimmt niemand Verbindungen an; läuft der Broker?")
    assert "Nobody listens at 127.0.0.2" in only(shipped.as_gateway(host="127.0.0.2")).en
    foreign = Town(tmp_path).gateway()
    untrusted = only(shipped.as_gateway(ca=str(foreign.ca)))
    assert "can't be trusted" in untrusted.en and "look at mqtt.ca" in untrusted.en
    assert "es ist von keiner bekannten Stelle unterschrieben; mqtt.ca und mqtt.host prüfen." in untrusted.de
    stranger = only(shipped.as_gateway(cert=str(foreign.certificate), key=str(foreign.key)))
    assert "ended the connection at once" in stranger.en
