"""The doctor's other eyes: files, disk, clock, certificates, targets. Its broker part is in test_broker.py."""

import contextlib
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bordstein_gateway import doctor
from bordstein_gateway.config import config
from bordstein_gateway.config.config import Config, Http, Mqtt, Webhook
from bordstein_gateway.doctor.finding import Finding, loses
from bordstein_gateway.doctor.mosquitto import mosquitto_conf
from bordstein_gateway.forward.mqtt.settings import Broker, MqttForward
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import ConfigReport, Store
from bordstein_gateway.web import app as web
from bordstein_tools.keys import pki, revocation
from tests.gateway.loopback import Loopback
from tests.street.client import Client
from tests.street.processes import free_port
from tests.street.sensorthings_mqtt import OpenBroker
from tests.street.servers import Town

SAFE = """persistence true
autosave_interval 5
max_queued_messages 1000000
allow_anonymous false
acl_file /etc/mosquitto/acl
listener 8883
require_certificate true
"""


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def conf(tmp_path: Path, text: str) -> list[Finding]:
    path = tmp_path / "mosquitto.conf"
    path.write_text(text)
    return list(mosquitto_conf(path))


def test_safe_settings_are_fine(tmp_path: Path) -> None:
    assert [finding.level for finding in conf(tmp_path, SAFE)] == ["fine"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("max_queued_messages 1000000\n", "", "max_queued_messages is 1000:"),
        ("max_queued_messages 1000000", "max_queued_messages 5000", "max_queued_messages is 5000:"),
        ("listener", "max_queued_bytes 1000000\nlistener", "max_queued_bytes is 1000000:"),
        ("persistence true\n", "", "persistence is not true"),
        ("autosave_interval 5\n", "", "autosave_interval is 1800 seconds"),
        ("autosave_interval 5", "autosave_interval 0", "autosave_interval is 0 seconds"),
        ("allow_anonymous false", "allow_anonymous true", "allow_anonymous is true"),
        ("acl_file /etc/mosquitto/acl\n", "", "no access list"),
        ("listener", "persistent_client_expiration 2h\nlistener", "persistent_client_expiration is 2h"),
        ("listener", "persistent_client_expiration 6d\nlistener", "persistent_client_expiration is 6d"),
    ],
)
def test_each_setting_that_loses_data_is_a_sentence(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in SAFE
    (finding,) = conf(tmp_path, SAFE.replace(before, after))
    assert finding.level == "loses" and said in finding.en
    assert finding.de.endswith(".") or finding.de[-1].isdigit() or ":" in finding.de


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("max_queued_messages 1000000", "max_queued_messages 0"),
        ("listener", "per_listener_settings true\nlistener"),
        ("require_certificate true", "require_certificate false"),
    ],
)
def test_what_is_only_worth_a_look_loses_nothing(tmp_path: Path, before: str, after: str) -> None:
    assert [finding.level for finding in conf(tmp_path, SAFE.replace(before, after))] == ["note"]


@pytest.mark.parametrize("line", ["autosave_on_changes true", "plugin /usr/lib/mosquitto_persist_sqlite.so"])
def test_other_ways_to_save_are_known(tmp_path: Path, line: str) -> None:
    assert levels(iter(conf(tmp_path, SAFE.replace("autosave_interval 5", line)))) == ["fine"]


def test_included_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/bordstein.conf").write_text(SAFE)
    text = f"# Debian's\npersistence false\ninclude_dir {tmp_path / 'conf.d'}\n"
    assert levels(iter(conf(tmp_path, text))) == ["fine"]


def test_a_missing_configuration_is_a_sentence(tmp_path: Path) -> None:
    assert levels(mosquitto_conf(tmp_path / "nowhere.conf")) == ["loses"]


def test_a_disk_that_takes_no_writes_or_has_no_room_loses_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert levels(doctor.disk(tmp_path / "file")) == ["loses"]
    (tmp_path / "file").unlink()
    monkeypatch.setattr(doctor, "_FREE_BYTES", 1 << 60)
    (finding,) = doctor.disk(tmp_path)
    assert finding.level == "loses" and "are free" in finding.en
    monkeypatch.setattr(doctor, "_FREE_BYTES", 0)
    assert levels(doctor.disk(tmp_path)) == ["fine"]


def test_a_folder_that_the_service_will_make_is_no_loss(tmp_path: Path) -> None:
    (finding,) = doctor.disk(tmp_path / "nowhere")
    assert finding.level == "note" and "when it first starts" in finding.en
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_nobody_can_make_loses_data() -> None:
    (finding,) = doctor.disk(Path("/proc/bordstein/data"))
    assert finding.level == "loses" and "can't be made" in finding.en and "gateway.data" in finding.en
    assert "lässt sich nicht anlegen (das gibt es nicht)" in finding.de


def test_the_pages_address_is_free_or_taken(plain: int) -> None:
    assert levels(doctor.pages(Http(port=free_port()))) == ["fine"]
    (finding,) = doctor.pages(Http(port=plain))
    assert finding.level == "loses" and f"Port {plain} is taken" in finding.en
    assert f"Port {plain} ist belegt" in finding.de


@pytest.mark.parametrize(("host", "found"), [("0.0.0.0", ["note"]), ("127.0.0.1", [])])
def test_pages_that_a_whole_network_reads_are_noted(host: str, found: list[str]) -> None:
    assert levels(doctor.readers(Config(mqtt=Mqtt(host="localhost"), http=Http(host=host)))) == found


def test_the_pages_address_may_be_taken_by_the_gateway(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.sqlite")
    state = ServiceState(Config(mqtt=Mqtt(host="localhost")), store)
    with Loopback(web.app(state)) as running:
        (finding,) = doctor.pages(Http(port=running.port))
    store.close()
    assert finding.level == "note" and "A Bordstein gateway answers" in finding.en


def test_a_clock_that_is_behind_this_version_is_wrong() -> None:
    assert levels(doctor.clock(datetime(2026, 1, 1, tzinfo=UTC))) == ["loses"]
    now = datetime(2027, 1, 1, tzinfo=UTC)
    assert levels(doctor.clock(now, synchronised=True)) == ["fine"]
    assert levels(doctor.clock(now, synchronised=False)) == ["note"]


@pytest.fixture
def settings(folder: Path) -> Config:
    files = {"ca": folder / "ca.pem", "cert": folder / "gateway.pem", "key": folder / "gateway.key"}
    return Config(mqtt=Mqtt(host="localhost", **{name: str(path) for name, path in files.items()}))


def test_certificates_that_end_soon_or_have_ended_lose_data(settings: Config) -> None:
    now = datetime.now(UTC)
    assert levels(doctor.certificates(settings, now)) == ["fine", "fine"]
    assert "loses" in levels(doctor.certificates(settings, now + timedelta(days=100 * 365)))
    assert "loses" in levels(doctor.certificates(settings, now - timedelta(days=3 * 365)))
    soon, over = doctor.expiry("x", now + timedelta(days=29, hours=1), now), doctor.expiry("x", now, now)
    assert (soon.level, over.level) == ("loses", "loses")
    assert "29 days" in soon.en and "expired" in over.en
    assert doctor.expiry("x", now + timedelta(days=31), now).level == "fine"


def test_a_revocation_list_that_ends_or_is_gone_locks_everybody_out(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for days, level in ((-2, "loses"), (29, "loses"), (31, "fine"), (7300, "fine")):
        authority = pki.create(tmp_path / str(days), "Musterstadt", None, days=days)
        if days > 0:
            authority.issue_device("24a160000001")
            revocation.revoke(authority, "24a160000001")
        else:
            path = authority.directory / "ca.crl.pem"
            builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
            builder = builder.last_update(now - timedelta(days=9)).next_update(now - timedelta(days=2))
            path.write_bytes(authority.sign_list(builder).public_bytes(Encoding.PEM))
        (finding,) = conf(tmp_path, f"{SAFE}crlfile {authority.directory / 'ca.crl.pem'}\n")
        assert finding.level == level, finding
        assert level == "fine" or "lets nobody in" in finding.en
    (tmp_path / "empty").write_text("")
    for name, said in (("nowhere", "No such file"), ("empty", "no PEM")):
        (finding,) = conf(tmp_path, f"{SAFE}crlfile {tmp_path / name}\n")
        assert finding.level == "loses" and said in finding.en and "does not start" in finding.en


def test_boards_whose_certificate_ends_are_named_while_there_is_time(settings: Config, tmp_path: Path) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    settings.gateway.data = str(tmp_path)
    assert levels(doctor.boards(settings, now)) == []
    with contextlib.closing(Store.open(tmp_path / "bordstein.sqlite")) as store:
        for device, end in (("24a160000001", "2027-04-02"), ("24a160000002", None), ("24a160000003", "2036-11-23")):
            store.write((), (), [ConfigReport(device, 0, True, [], 0, "", None, False, certificate=end)])
    (finding,) = doctor.boards(settings, now)
    assert finding.level == "fine" and "until 2027-04-02" in finding.en
    (finding,) = doctor.boards(settings, now + timedelta(days=1))
    assert finding.level == "loses" and "24a160000001 is only valid until 2027-04-02" in finding.en
    assert "02.04.2027" in finding.de and "ca renew 24a160000001" in finding.de


def test_a_key_that_others_can_read_is_said(settings: Config) -> None:
    assert settings.mqtt.key
    os.chmod(settings.mqtt.key, 0o644)
    (finding,) = (found for found in doctor.certificates(settings, datetime.now(UTC)) if found.level != "fine")
    assert finding.level == "note" and f"chmod 600 {settings.mqtt.key}" in finding.en


class _Late(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


def serve(server: HTTPServer) -> Iterator[int]:
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def plain() -> Iterator[int]:
    yield from serve(HTTPServer(("127.0.0.1", 0), _Late))


@pytest.fixture
def secure(town: Town) -> Iterator[int]:
    server, issued = HTTPServer(("127.0.0.1", 0), _Late), town.broker()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from serve(server)


def test_a_target_whose_clock_is_wrong_is_said(plain: int) -> None:
    answers, clock = doctor.forwarder("hook", Webhook(url=f"http://127.0.0.1:{plain}/"))
    assert answers.level == "fine" and clock.level == "note" and "differ by" in clock.en


def test_a_target_of_an_unknown_authority_is_not_talked_to(secure: int, town: Town) -> None:
    url = f"https://localhost:{secure}/"
    (refused,) = doctor.forwarder("hook", Webhook(url=url))
    assert refused.level == "note" and "does not answer" in refused.en
    answers, _ = doctor.forwarder("hook", Webhook(url=url, ca=str(town.gateway().ca)))
    assert answers.level == "fine"


def test_a_targets_broker_is_tried_without_ending_the_running_gateways_connection(tmp_path: Path) -> None:
    with OpenBroker(tmp_path) as broker:
        section = Broker(host="127.0.0.1", port=broker.port, tls=False, client_id="town")
        settings = Config(mqtt=Mqtt(host="localhost"), forward={"town": MqttForward(broker=section)})
        with Client(broker.port, None, name="town", host="127.0.0.1") as running:
            found = doctor.connection("town", settings)
            assert found.level == "fine" and found.en.endswith(
                f"127.0.0.1:{broker.port} answers and lets the gateway in."
            )
            assert running.publish("stadt/x", "1") in ("Success", "No matching subscribers")
    found = doctor.connection("town", settings)
    assert found.level == "note" and "Nobody listens" in found.en and found.en.endswith("wait until it works again.")
    assert "nimmt niemand Verbindungen an" in found.de


def test_german_is_the_first_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BORDSTEIN_LANG")
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, "C.UTF-8")
    assert str(loses("Daten gehen verloren.", "Data are lost.")) == "Daten gehen verloren."
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert str(loses("Daten gehen verloren.", "Data are lost.")) == "Daten gehen verloren."
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert str(loses("Daten gehen verloren.", "Data are lost.")) == "Data are lost."


def test_without_targets_only_broker_disk_clock_and_certificates_are_looked_at(
    settings: Config, tmp_path: Path
) -> None:
    settings.mqtt.port = 1  # nobody listens there
    settings.gateway.data = str(tmp_path)
    found = list(doctor.findings(settings, probe=False))
    assert "Nobody listens" in found[0].en
    assert all(isinstance(config.Config, type) and finding.de and finding.en for finding in found)
