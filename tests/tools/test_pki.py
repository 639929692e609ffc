"""The town's authority: what it signs is believed by real TLS stacks, and by them only for what it was meant for."""

import datetime as dt
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from bordstein_tools.keys import names, pki
from bordstein_tools.texts import Problem

ROOT = Path(__file__).parents[2]
DEVICE = "24a160123456"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> pki.Authority:
    return pki.create(tmp_path_factory.mktemp("ca"), "Musterstadt", None)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> pki.Authority:
    return pki.create(tmp_path_factory.mktemp("foreign"), "Musterstadt", None)


@pytest.fixture(scope="module")
def broker(authority) -> pki.Issued:
    return authority.issue_broker(["localhost", "mqtt.musterstadt.de", "127.0.0.1", "::1"])


def server_context(issued: pki.Issued) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.load_verify_locations(issued.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def client_context(issued: pki.Issued, ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca or issued.ca)
    context.load_cert_chain(issued.certificate, issued.key)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> dict:
    """A whole TLS handshake in memory; returns what the server saw of the client's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(20):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            return dict(part[0] for part in ends[1].getpeercert()["subject"])
    raise AssertionError("the handshake went round in circles")


@pytest.mark.parametrize("host", ["localhost", "mqtt.musterstadt.de", "127.0.0.1", "::1"])
def test_device_and_broker_trust_each_other_under_every_name_of_the_broker(authority, broker, host, tmp_path):
    device = authority.issue_device(DEVICE, out=tmp_path)
    assert handshake(server_context(broker), client_context(device), host) == {"commonName": DEVICE}


def test_gateway_is_known_by_its_name(authority, broker, tmp_path):
    gateway = authority.issue_gateway("rathaus-1", out=tmp_path)
    assert handshake(server_context(broker), client_context(gateway), "localhost") == {"commonName": "rathaus-1"}


@pytest.mark.parametrize("host", ["musterstadt.de", "mqtt.anderswo.de", "127.0.0.2"])
def test_broker_under_another_name_is_refused(authority, broker, host, tmp_path):
    device = authority.issue_device(DEVICE, out=tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(server_context(broker), client_context(device), host)


def test_broker_of_a_foreign_authority_is_refused(authority, foreign, tmp_path):
    device = authority.issue_device(DEVICE, out=tmp_path / "device")
    stranger = foreign.issue_broker(["localhost"], out=tmp_path / "broker")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_context(stranger), client_context(device), "localhost")


def test_device_of_a_foreign_authority_is_refused_even_with_the_same_names(broker, foreign, tmp_path):
    stranger = foreign.issue_device(DEVICE, out=tmp_path)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(broker), client_context(stranger, ca=broker.ca), "localhost")


def test_device_certificate_cannot_pose_as_broker(authority, tmp_path):
    device = authority.issue_device(DEVICE, out=tmp_path / "one")
    other = authority.issue_device("24a160123457", out=tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"purpose|mismatch"):
        handshake(server_context(device), client_context(other), "localhost")


def test_broker_certificate_cannot_pose_as_device(broker):
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(broker), client_context(broker), "localhost")


TLS_IN_MICROPYTHON = """
import socket, sys, tls
host, port, ca, cert, key = sys.argv[1:]
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
for path, load in ((ca, context.load_verify_locations),):
    with open(path, "rb") as file:
        load(file.read())
with open(cert, "rb") as c, open(key, "rb") as k:
    context.load_cert_chain(c.read(), k.read())
s = socket.socket()
s.connect(socket.getaddrinfo("127.0.0.1", int(port))[0][-1])
s = context.wrap_socket(s, server_hostname=host)
s.write(b"hello")
print(s.read(2).decode())
"""


@pytest.mark.parametrize(("host", "works"), [("localhost", True), ("127.0.0.1", True), ("mqtt.anderswo.de", False)])
def test_micropython_believes_the_der_files(authority, broker, tmp_path, host, works):
    """The board's TLS stack (mbedTLS) reads certificate and key as DER and checks the broker's name."""
    device = authority.issue_device(DEVICE, out=tmp_path)
    script = tmp_path / "client.py"
    script.write_text(TLS_IN_MICROPYTHON)
    micropython = subprocess.run(
        ["sh", ROOT / "tools/dev/micropython.sh"], check=True, capture_output=True, text=True
    ).stdout.strip()
    import socket

    seen: list[object] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            with server_context(broker).wrap_socket(connection, server_side=True) as secured:
                seen.append(secured.getpeercert()["subject"][0][0])
                secured.recv(5)
                secured.sendall(b"ok")
        except (ssl.SSLError, OSError) as error:
            seen.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = str(listener.getsockname()[1])
        files = (device.ca_der, device.certificate_der, device.key_der)
        run = subprocess.run(
            [micropython, script, host, port, *files], check=False, capture_output=True, text=True, timeout=60
        )
        thread.join()
    if works:
        assert (run.stdout, run.returncode, seen) == ("ok\n", 0, [("commonName", DEVICE)]), run.stderr
    else:
        assert run.returncode != 0
        assert isinstance(seen[0], ssl.SSLError | OSError)


def test_extensions_say_what_a_certificate_is_for(authority, broker, tmp_path):
    device = authority.issue_device(DEVICE, out=tmp_path)
    root = authority.certificate.extensions
    assert root.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.get_extension_for_class(x509.BasicConstraints).critical
    assert root.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    for path, usage in (
        (broker.certificate, ExtendedKeyUsageOID.SERVER_AUTH),
        (device.certificate, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(authority.certificate)
        extensions = certificate.extensions
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        assert identifier == root.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER).value.digest
        assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    assert (
        x509.load_der_x509_certificate(device.certificate_der.read_bytes()).subject.rfc4514_string() == f"CN={DEVICE}"
    )


def test_certificates_are_valid_for_a_board_that_knows_only_its_build_date(authority, broker):
    certificate = x509.load_pem_x509_certificate(broker.certificate.read_bytes())
    year_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    assert certificate.not_valid_before_utc < year_ago
    assert authority.certificate.not_valid_before_utc < year_ago


def test_nothing_is_valid_longer_than_its_authority(tmp_path):
    short = pki.create(tmp_path, "Kurz", None, days=30)
    device = short.issue_device(DEVICE, days=3650)
    assert device.not_after == short.certificate.not_valid_after_utc


def test_expired_authority_signs_nothing(tmp_path):
    expired = pki.create(tmp_path, "Alt", None, days=-1)
    with pytest.raises(Problem, match="ca init"):
        expired.issue_device(DEVICE)


def test_private_keys_are_for_their_owner_only(authority, tmp_path):
    authority.issue_device(DEVICE, out=tmp_path)
    keys = [*tmp_path.glob("*.key.*"), authority.directory / "ca.key.pem"]
    assert len(keys) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_nothing_is_overwritten_and_a_refused_issue_leaves_nothing_behind(authority, tmp_path):
    (tmp_path / "device.der").write_bytes(b"mine")
    with pytest.raises(Problem, match=r"device\.der"):
        authority.issue_device(DEVICE, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["device.der"]
    with pytest.raises(Problem, match="gibt es schon; weiter mit „bordstein ca issue“"):
        pki.create(authority.directory, "Noch eine", None)


def test_encrypted_authority_opens_with_its_passphrase_only(tmp_path):
    pki.create(tmp_path, "Musterstadt", b"vier Bordsteine")
    assert pki.is_encrypted(tmp_path)
    assert pki.load(tmp_path, b"vier Bordsteine").issue_device(DEVICE).name == DEVICE
    for wrong in (b"drei Bordsteine", b"", None):
        with pytest.raises(Problem, match="Passphrase"):
            pki.load(tmp_path, wrong)


def test_damaged_or_missing_authority_is_named(authority, foreign, tmp_path):
    with pytest.raises(Problem, match="ca init"):
        pki.load(tmp_path, None)
    (tmp_path / "ca.key.pem").write_bytes((authority.directory / "ca.key.pem").read_bytes())
    (tmp_path / "ca.pem").write_bytes((foreign.directory / "ca.pem").read_bytes())
    with pytest.raises(Problem, match="gehören nicht zusammen"):
        pki.load(tmp_path, None)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(Problem, match="beschädigt"):
        pki.load(tmp_path, None)


def test_every_certificate_is_written_down_for_revocation(tmp_path):
    own = pki.create(tmp_path, "Musterstadt", None)
    issued = [own.issue_broker(["localhost"]), own.issue_gateway("gateway-1"), own.issue_device(DEVICE)]
    lines = (tmp_path / "issued.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [[i.serial, i.kind, i.name] for i in issued]


def test_nothing_is_issued_that_cannot_be_written_down(tmp_path):
    own = pki.create(tmp_path, "Musterstadt", None)
    (tmp_path / "issued.csv").mkdir()
    with pytest.raises(Problem, match="nichts wurde ausgestellt"):
        own.issue_device(DEVICE)
    assert not (tmp_path / "devices").exists()


def test_what_could_not_be_issued_is_not_written_down(tmp_path):
    own = pki.create(tmp_path, "Musterstadt", None)
    (tmp_path / "devices").write_text("")
    with pytest.raises(Problem):
        own.issue_device(DEVICE)
    own.issue_gateway("gateway-1")
    lines = (tmp_path / "issued.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["kind", "gateway"]
    with pytest.raises(Problem, match="nicht überschrieben"):
        own.issue_gateway("gateway-1")
    assert (tmp_path / "issued.csv").read_text().splitlines() == lines


@pytest.mark.parametrize("text", [DEVICE, "24:A1:60:12:34:56", "24-a1-60-12-34-56", " 24A1.6012.3456 "])
def test_device_ids_come_from_every_usual_spelling(text):
    assert names.device_id(text) == DEVICE


@pytest.mark.parametrize("text", ["", "24a16012345", "24a1601234567", "24a16012345g", "#", "+", "25a160123456"])
def test_what_is_no_device_id_is_refused(text):
    with pytest.raises(Problem):
        names.device_id(text)


@given(st.text(max_size=20))
def test_no_text_becomes_a_name_that_reaches_beyond_its_own_topic(text):
    """%u in the access list is the common name: a wildcard or a slash in it would open other devices' topics."""
    for check in (names.device_id, names.gateway_name):
        try:
            name = check(text)
        except Problem:
            continue
        assert not set(name) & set("+#/$ \x00")


@pytest.mark.parametrize("text", ["", "-", "Bordstein", "a b", "a/b", "#", DEVICE, "a" * 64])
def test_gateway_names_that_could_be_mistaken_are_refused(text):
    with pytest.raises(Problem):
        names.gateway_name(text)


@pytest.mark.parametrize("text", ["", "*.musterstadt.de", "a b", "300.1.1.1", "a..b", "x" * 64, "mqtt/1"])
def test_what_is_no_host_is_refused(authority, text):
    with pytest.raises(Problem):
        authority.issue_broker([text])
    with pytest.raises(Problem):
        authority.issue_broker([])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("mqtt.münster.de", "mqtt.xn--mnster-3ya.de"),
        ("MQTT.MÜNSTER.de.", "mqtt.xn--mnster-3ya.de"),
        ("mu\u0308nster.de", "xn--mnster-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("münster.de/x", None),
        ("*.münster.de", None),
        ("mqtt.musterstadt.de", None),
    ],
)
def test_a_host_with_umlauts_is_told_its_plain_form(authority, text, plain):
    assert names.without_umlauts(text) == plain
    if plain:
        with pytest.raises(Problem, match=plain):
            authority.issue_broker([text])
        assert names.host(plain) == plain


def test_long_host_names_fit(authority, tmp_path):
    long = ".".join(["stadtverwaltung"] * 6) + ".de"
    issued = authority.issue_broker([long], out=tmp_path)
    subject = x509.load_pem_x509_certificate(issued.certificate.read_bytes()).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "broker"
