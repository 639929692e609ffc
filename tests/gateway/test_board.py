"""Boards' configurations and commands: in the store, on the wire, and at the command line."""

import base64
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bordstein_gateway.boards import rules as board_rules
from bordstein_gateway.config.config import Config, Gateway, Mqtt
from bordstein_gateway.ingest.ingest import Ingest
from bordstein_gateway.ingest.receipts import Receipts
from bordstein_gateway.status import IngestStatus
from bordstein_gateway.store import Arrival, ConfigReport, Store
from bordstein_gateway.store.schema import APPLICATION_ID, MIGRATIONS
from tests.gateway.packs import DEVICE, read
from tests.gateway.test_cli import gateway, started
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import GATEWAY_USER, Mosquitto, Town

TOPIC = f"bordstein/v1/{DEVICE}/"
OTHER = "24a1600000ff"
RUNS: dict[str, Any] = {"version": 3, "ok": True, "problems": [], "running": 3, "digest": "a1", "trial": None}
SOUND = {"mqtt": {"host": "broker.example"}, "health_s": 60}


def report(**changes: Any) -> ConfigReport:
    return ConfigReport(**{"device": DEVICE, "retained": False, **RUNS, **changes})


# --- in the store ----------------------------------------------------------------------------------------------------


def test_versions_grow_over_what_anybody_knows(store: Store) -> None:
    assert store.want_config(DEVICE, "{}").result() == 1
    assert store.want_config(DEVICE, "{}").result() == 2
    store.write((), (), [report(version=7, running=6)])
    assert store.want_config(DEVICE, '{"led":2}').result() == 8
    assert store.want_config(DEVICE, '{"led":2}', above=11).result() == 12
    assert store.want_config("24a1600000ff", "{}", above=4).result() == 5
    assert store.configs()[DEVICE].wanted == 12 and store.configs()[DEVICE].text == '{"led":2}'
    store.forget_config(DEVICE).result()
    assert DEVICE not in store.configs()


def test_the_last_report_counts(store: Store) -> None:
    store.want_config(DEVICE, "{}").result()
    assert store.configs()[DEVICE].reported_at is None
    store.write((), (), [report(version=1, ok=None, running=1, trial=5)])
    assert store.configs()[DEVICE].ok is None
    store.write((), (), [report(version=1, ok=False, running=0, problems=["led: is missing"])])
    found = store.configs()[DEVICE]
    assert (found.wanted, found.reported, found.running, found.ok) == (1, 1, 0, False)
    assert found.problems == ["led: is missing"]
    store.write((), (), [report(version=None, ok=False, running=0)])
    assert store.configs()[DEVICE].reported is None


def test_what_somebody_changed_on_the_board_is_seen(store: Store) -> None:
    for changes, changed in (
        ({}, False),
        ({"digest": "b2"}, True),
        ({}, False),
        ({"version": 4, "running": 4, "digest": "c3"}, False),
        ({"version": 0, "running": 0, "digest": "d4"}, False),
        ({"version": 0, "running": 0, "digest": "e5"}, False),  # nobody has sent that one
    ):
        store.write((), (), [report(**changes)])
        assert store.configs()[DEVICE].changed == changed, changes


def test_a_retained_report_does_not_say_that_the_board_is_there(store: Store) -> None:
    store.write((), (), [report(retained=True)])
    assert store.devices()[0].last_seen == 0
    store.write((), (), [report()], 5000)
    assert store.devices()[0].last_seen == 5000


def test_a_store_of_the_second_version_gets_the_table(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.executescript(
        f"{MIGRATIONS[0]};{MIGRATIONS[1]}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;"
    )
    connection.close()
    store = Store.open(tmp_path / "store.sqlite")
    assert store.configs() == {}
    store.close()


# --- on the wire -----------------------------------------------------------------------------------------------------


def test_a_report_is_read_and_what_is_none_is_kept_raw() -> None:
    assert read("config/reported", json.dumps(RUNS).encode()) == report()
    assert read("config/reported", b'{"version":null,"ok":false}').version is None
    assert read("config/reported", b"", retained=True) is None
    for said, known in (("2036-11-23", "2036-11-23"), ("2036-99-23", None), (7, None), (None, None)):
        assert read("config/reported", json.dumps({**RUNS, "certificate": said}).encode()).certificate == known
    for payload in (b"{", b"[]", b'{"version":"1","ok":true}', b'{"version":-1,"ok":true}', b'{"ok":true}', b"\xff"):
        message = read("config/reported", payload)
        assert isinstance(message, Arrival) and message.pack is None and message.reason.startswith("config/reported: ")


def test_a_trial_is_answered_at_once_and_once() -> None:
    receipts = Receipts()
    receipts.add_trial(DEVICE, 7, 3)
    assert len(receipts) == 1 and receipts.wait(0.0) == 0.0
    assert list(receipts.take(0.0, 99)) == [(DEVICE, b'{"boot":7,"config":3,"time":99}')]
    assert not len(receipts) and receipts.wait(0.0) is None


@pytest.fixture
def broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def config(town: Town, broker: Mosquitto, store: Store, tmp_path: Path) -> Path:
    """A gateway.toml for this broker, beside a store."""
    issued = town.gateway()
    files = "".join(
        f'{key} = "{file}"\n' for key, file in (("ca", issued.ca), ("cert", issued.certificate), ("key", issued.key))
    )
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[gateway]\ndata = "{tmp_path}"\n[mqtt]\nhost = "localhost"\nport = {broker.port}\n'
        f'client_id = "{GATEWAY_USER}"\n{files}'
    )
    return path


def test_the_report_of_a_trial_is_answered_when_it_is_stored(
    town: Town, broker: Mosquitto, store: Store, tmp_path: Path
) -> None:
    issued = town.gateway()
    mqtt = Mqtt(
        host="localhost",
        port=broker.port,
        client_id=GATEWAY_USER,
        ca=str(issued.ca),
        cert=str(issued.certificate),
        key=str(issued.key),
    )
    ingest = Ingest(Config(gateway=Gateway(data=str(tmp_path)), mqtt=mqtt), store, IngestStatus())
    ingest.start()
    try:
        with Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE) as board:
            board.subscribe(TOPIC + "receipt")
            said = {**RUNS, "ok": None, "trial": 12}
            assert board.publish(TOPIC + "config/reported", json.dumps(said), retain=True) == "Success"
            answer = json.loads(board.receive().payload)
            assert (answer["boot"], answer["config"]) == (12, 3) and answer["time"] <= time.time()
            assert store.configs()[DEVICE].ok is None
            board.publish(TOPIC + "config/reported", json.dumps(RUNS), retain=True)
            assert until(lambda: store.configs()[DEVICE].ok is True, 20)
            assert board.messages.empty()
    finally:
        ingest.stop()


# --- at the command line ---------------------------------------------------------------------------------------------


def file(folder: Path, content: Any) -> Path:
    path = folder / "wanted.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def test_a_configuration_is_retained_with_the_next_version_and_the_service_is_not_disturbed(
    town: Town, broker: Mosquitto, config: Path, tmp_path: Path
) -> None:
    wanted = file(tmp_path, SOUND)
    context = town.context(town.gateway())
    with Client(broker.port, context, name=GATEWAY_USER) as service:  # in place of the running one
        done = gateway("board", "config", DEVICE, wanted, "--config", config)
        assert (done.returncode, done.stdout, done.stderr) == (0, "configuration 1 is on its way\n", "")
        assert service.publish(TOPIC + "receipt", b"{}") == "Success"
    with Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE) as board:
        board.subscribe(TOPIC + "config")
        message = board.receive()
        assert message.retain and json.loads(message.payload) == {"version": 1, "config": SOUND}
        assert b" " not in message.payload
        board.publish(TOPIC + "config/reported", json.dumps({**RUNS, "version": 5}), retain=True)
    done = gateway("board", "config", DEVICE, wanted, "--json", "--config", config)
    assert json.loads(done.stdout) == {"version": 6}  # as the broker knows more than this store does


def test_a_board_that_says_nothing_is_a_failure(config: Path, tmp_path: Path) -> None:
    wanted = file(tmp_path, SOUND)
    silent = gateway("board", "config", DEVICE, wanted, "--wait", 1, "--config", config, lang="de")
    assert silent.returncode == 1 and silent.stderr.startswith("keine Antwort in 1 s")
    assert "no report" in gateway("board", "config", DEVICE, "--config", config).stdout


@pytest.fixture
def sleeper(town: Town, broker: Mosquitto) -> Client:
    """A board that has said that it sleeps for three hours; to be entered when it wakes."""

    def board() -> Client:
        return Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE, session=True)

    with board() as client:
        client.subscribe(TOPIC + "command")
        client.subscribe(TOPIC + "config")
        said = {"state": "sleeping", "wake": int(time.time()) + 10_800}
        assert client.publish(TOPIC + "state", json.dumps(said), retain=True) == "Success"
    return board()


def test_a_board_that_sleeps_gets_a_command_when_it_wakes_and_that_is_no_failure(
    sleeper: Client, config: Path, store: Store
) -> None:
    done = gateway("board", "command", DEVICE, "sample", "--config", config, lang="de")
    assert (done.returncode, done.stderr) == (0, "")
    first, then, after = done.stdout.splitlines()
    assert re.fullmatch("Das Gerät schläft bis .+; es bekommt das dann.", then)
    assert first.endswith("ist unterwegs") and f"board results {DEVICE}" in after
    told = json.loads(gateway("board", "command", DEVICE, "log", "--json", "--config", config).stdout)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["wake"])
    with sleeper:
        commands = [json.loads(sleeper.receive().payload) for _ in range(2)]
    assert [command["do"] for command in commands] == ["sample", "log"] and commands[1]["id"] == told["id"]
    assert commands[0]["id"] in first
    assert "nothing yet" in gateway("board", "results", DEVICE, "--config", config).stdout
    for at, answer in (
        (5, {"id": commands[0]["id"], "ok": True}),
        (6, {"id": told["id"], "ok": True, "result": {"lines": ["1 one", "2 \x1b[31mtwo"]}}),
        (7, {"id": "x", "ok": False, "error": "there is no sensor x"}),
    ):
        store.write((), (), [read("command/result", json.dumps(answer).encode())], at * 1000)
    shown = gateway("board", "results", DEVICE, "--config", config).stdout
    assert (
        re.search(r"(?s)x +1970-01-01T00:00:07Z +there is no sensor x.*1 one.*two.*done", shown) and "\x1b" not in shown
    )
    newest = gateway("board", "results", DEVICE, "--limit", 1, "--json", "--config", config).stdout
    assert json.loads(newest)["result"] == {"id": "x", "ok": False, "error": "there is no sensor x"}


def test_a_board_that_sleeps_gets_a_configuration_when_it_wakes(sleeper: Client, config: Path, tmp_path: Path) -> None:
    done = gateway("board", "config", DEVICE, file(tmp_path, SOUND), "--wait", 60, "--config", config)
    assert (done.returncode, done.stderr) == (0, "") and "The board is asleep until " in done.stdout
    done = gateway("board", "config", DEVICE, file(tmp_path, SOUND), "--json", "--config", config)
    assert set(json.loads(done.stdout)) == {"version", "wake"}
    with sleeper:
        assert [json.loads(sleeper.receive().payload)["version"] for _ in range(2)] == [1, 2]


def test_to_decommission_a_board_that_sleeps_one_has_to_wait(sleeper: Client, config: Path) -> None:
    done = gateway("board", "command", DEVICE, "decommission", "--confirm", DEVICE, "--config", config)
    assert done.returncode == 1 and "asleep until" in done.stderr
    assert 10_900 < int(done.stderr.rpartition("--wait ")[2]) <= 11_100
    with sleeper:
        sleeper.publish(TOPIC + "state", b'{"state":"ready"}')
        assert sleeper.messages.empty()


def test_boards_are_listed_with_what_they_do(config: Path, store: Store, tmp_path: Path) -> None:
    assert gateway("board", "list", "--config", config).stdout == "no board has reported yet\n"
    with config.open("a") as toml:
        toml.write(f'[[device]]\nid = "{DEVICE}"\nname = "Marktplatz 7"\n')
    now = int(time.time())
    writer = Store.open(tmp_path / "bordstein.sqlite")
    for device, said, at in (
        (DEVICE, {"state": "sleeping", "wake": now + 600, "version": "0.2.0"}, now - 60),
        ("24a160000002", {"state": "sleeping", "wake": now - 600}, now - 700),
        ("24a160000003", {"state": "ready"}, now),
        ("24a160000004", {"state": "ready"}, now - 86_400),
        ("24a160000005", {"state": "lost"}, now),
    ):
        writer.write((), [read("state", json.dumps(said).encode(), device=device)], (), at * 1000)
    writer.close()
    head, *rows = gateway("board", "list", "--config", config, lang="de").stdout.splitlines()
    assert head.split() == ["Gerät", "Station", "Inventarnr.", "Zustand", "zuletzt", "gehört", "Version"]
    for row, words in zip(
        rows, ("Marktplatz 7 +schläft bis", "überfällig seit", "bereit", "meldet sich nicht", "verloren"), strict=True
    ):
        assert re.search(words, row), rows
    lines = [json.loads(line) for line in gateway("board", "list", "--json", "--config", config).stdout.splitlines()]
    assert [line["present"] for line in lines] == [True, False, True, False, False]
    assert lines[0]["name"] == "Marktplatz 7" and lines[1]["overdue"] and lines[2]["wake"] is None
    assert "asleep until" in gateway("board", "config", DEVICE, "--config", config).stdout


def test_certificates_go_to_their_boards_and_each_says_what_became_of_it(
    town: Town, broker: Mosquitto, sleeper: Client, config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "renewed"
    folder.mkdir()
    for device in (DEVICE, OTHER):
        shutil.copy(town.device(device).certificate_der, folder / f"{device}.der")
    context = town.context(town.device(OTHER))
    with Client(broker.port, context, name=OTHER) as board, ThreadPoolExecutor() as pool:
        board.subscribe(f"bordstein/v1/{OTHER}/command")
        for answer, code, words in (
            ({"ok": True}, 0, "shows the new certificate"),
            ({"ok": False, "error": "it is for another\x1b key"}, 1, "it is for another"),
            (None, 1, "no answer within 1 s"),
        ):
            wait = 30 if answer else 1
            words_given = ("board", "certificate", "--folder", folder, "--wait", wait, "--config", config)
            done = pool.submit(started, *words_given)
            command = json.loads(board.receive().payload)
            assert set(command) == {"id", "do", "der"} and command["do"] == "certificate"
            assert base64.b64decode(command["der"]) == (folder / f"{OTHER}.der").read_bytes()
            if answer:
                board.publish(f"bordstein/v1/{OTHER}/command/result", json.dumps({"id": command["id"], **answer}))
            run = done.result()
            asleep, result = run.stdout.splitlines()
            assert (run.returncode, asleep[:12], result[:12]) == (code, DEVICE, OTHER) and words in result, run
            assert "asleep until" in asleep and "\x1b" not in run.stdout
            assert ("go on with the old ones" in run.stderr) == bool(code)
    with sleeper:
        assert [json.loads(sleeper.receive().payload)["do"] for _ in range(3)] == ["certificate"] * 3
    pem = town.device(DEVICE).certificate
    only = gateway("board", "certificate", DEVICE, pem, "--json", "--config", config)
    assert only.returncode == 0 and json.loads(only.stdout)["ok"] is None and "wake" in json.loads(only.stdout)


def test_a_file_that_no_board_would_take_is_not_sent(town: Town, config: Path, tmp_path: Path) -> None:
    foreign = Town(tmp_path / "elsewhere")
    key = x509.load_der_x509_certificate(town.device(DEVICE).certificate_der.read_bytes()).public_key()
    old = town.authority.sign("device", DEVICE, key, -1)
    files = {
        "foreign": foreign.device(DEVICE).certificate_der.read_bytes(),
        "gateway": town.gateway().certificate_der.read_bytes(),
        "key": town.device(DEVICE).key_der.read_bytes(),
        "old": old.public_bytes(Encoding.DER),
        "other": town.device(OTHER).certificate_der.read_bytes(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name, words in (
        ("foreign", "is not signed by the authority"),
        ("gateway", "is no certificate of a board"),
        ("key", "is no certificate of a board"),
        ("old", "expired on"),
        ("other", f"is the certificate of {OTHER}, not of {DEVICE}"),
        ("nowhere", "nowhere"),
    ):
        done = gateway("board", "certificate", DEVICE, tmp_path / name, "--wait", 1, "--config", config)
        assert (done.returncode, done.stdout) == (1, "") and words in done.stderr, done
        assert len(done.stderr.splitlines()) == 1
    for words in ("there is no certificate here", "is no certificate of a board"):
        (folder := tmp_path / "renewed").mkdir(exist_ok=True)
        done = gateway("board", "certificate", "--folder", folder, "--config", config)
        assert done.returncode == 1 and words in done.stderr
        (folder / "x.der").write_bytes(b"x")


def test_what_is_known_is_shown(config: Path, store: Store) -> None:
    nothing = gateway("board", "config", DEVICE, "--config", config)
    assert (nothing.returncode, nothing.stdout) == (0, "nothing is known of this board\n")
    store.want_config(DEVICE, json.dumps(SOUND)).result()
    store.write((), (), [report(version=1, ok=False, running=0, problems=["led: [bold]\x1b[31m is missing"])])
    text = gateway("board", "config", DEVICE, "--config", config, lang="de").stdout
    assert "läuft nicht" in text and "led: [bold]" in text and "\x1b" not in text
    store.write((), (), [report(version=1, ok=False, running=0, certificate="2036-11-23")])
    assert "2036-11-23" in gateway("board", "config", DEVICE, "--config", config).stdout
    shown = json.loads(gateway("board", "config", DEVICE, "--json", "--config", config).stdout)
    assert shown["config"] == SOUND and (shown["wanted"], shown["reported"], shown["ok"]) == (1, 1, False)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "expected an object"),
        ({**SOUND, "name": "x" * 4096}, "4096 at most"),
        ({**SOUND, "health_s": 1}, "health_s: expected a whole number"),
        ({**SOUND, "board": "esp32-devkitc", "led": 6}, "led: pin 6 belongs to the flash"),
    ],
)
def test_a_file_with_mistakes_is_not_sent(config: Path, store: Store, tmp_path: Path, content: Any, word: str) -> None:
    done = gateway("board", "config", DEVICE, file(tmp_path, content), "--config", config)
    assert done.returncode == 1 and word in done.stderr and done.stdout == ""
    assert store.configs() == {}


def test_secrets_that_stay_on_the_board_are_no_mistakes() -> None:
    own: list[dict[str, Any]] = [{}, {"mqtt": None}, {"mqtt": {"host": "x", "ca": None}}]
    own.append({"network": {"wifi": [{"ssid": "Stadt", "password": None}]}})
    for config in own:
        assert board_rules.mistakes(config) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "24A160000001"),
        ("config", "#"),
        ("command", "24a16000", "reboot"),
        ("results", "24a16000"),
        ("command", DEVICE, "explode"),
        ("command", DEVICE, "decommission"),
        ("command", DEVICE, "decommission", "--confirm", "24a160000002"),
        ("certificate",),
        ("certificate", DEVICE),
        ("certificate", DEVICE, "device.der", "--folder", "renewed"),
        ("certificate", DEVICE, "--folder", "renewed"),
    ],
)
def test_what_makes_no_sense_is_misuse(config: Path, arguments: tuple[str, ...]) -> None:
    assert gateway("board", *arguments, "--config", config).returncode == 2


def test_without_a_broker_there_is_a_sentence(broker: Mosquitto, config: Path, tmp_path: Path) -> None:
    broker.kill()
    renewed = broker.town.device(DEVICE).certificate_der
    for arguments in (
        ("command", DEVICE, "log"),
        ("config", DEVICE, file(tmp_path, SOUND)),
        ("certificate", DEVICE, renewed),
    ):
        done = gateway("board", *arguments, "--config", config)
        assert done.returncode == 1 and "Nobody listens at localhost" in done.stderr
        assert len(done.stderr.splitlines()) == 1
