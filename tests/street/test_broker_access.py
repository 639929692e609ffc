"""Who may do what at the broker: certificates decide who somebody is, the access list where they may write and read."""

import ssl

import pytest

from bordstein_tools.keys import revocation
from tests.street.client import Client
from tests.street.servers import GATEWAY_USER, Mosquitto, Town

ONE, OTHER = "24a160000001", "24a160000002"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("foreign"))


@pytest.fixture
def gateway(town, broker):
    with Client(broker.port, town.context(town.gateway()), name=GATEWAY_USER) as client:
        yield client


def device(town: Town, broker: Mosquitto, name: str, client_id: str | None = None) -> Client:
    return Client(broker.port, town.context(town.device(name)), name=name if client_id is None else client_id)


def test_gateway_reads_what_a_device_writes_below_its_own_topic(town, broker, gateway):
    gateway.subscribe("bordstein/v1/+/readings")
    with device(town, broker, ONE) as one:
        assert one.publish(f"bordstein/v1/{ONE}/readings", b"[]") == "Success"
    assert gateway.receive().topic == f"bordstein/v1/{ONE}/readings"


def test_device_gets_its_receipt_and_no_other(town, broker, gateway):
    with device(town, broker, ONE) as one:
        one.subscribe("bordstein/v1/#")
        gateway.publish(f"bordstein/v1/{OTHER}/receipt", b"not yours")
        gateway.publish(f"bordstein/v1/{ONE}/receipt", b"yours")
        assert one.receive().payload == b"yours"  # in order: the other would have come before
        assert one.messages.empty()


@pytest.mark.parametrize(
    "topic",
    [
        f"bordstein/v1/{OTHER}/readings",
        f"bordstein/v1/{OTHER}/state",
        f"bordstein/v1/{OTHER}/command/result",
        f"bordstein/v1/{ONE}/command",
        f"bordstein/v1/{ONE}/receipt",
        "bordstein/v1/readings",
        f"bordstein/v2/{ONE}/readings",
        "elsewhere",
    ],
)
def test_publishing_outside_its_own_topic_is_refused(town, broker, gateway, topic):
    gateway.subscribe("#")
    with device(town, broker, ONE) as one:
        assert one.publish(topic, b"forged") == "Not authorized"
        assert one.publish(f"bordstein/v1/{ONE}/readings", b"own") == "Success"
    assert gateway.receive().payload == b"own"


def test_the_gateway_is_whom_its_certificate_names_and_not_whom_it_says(town, broker, tmp_path):
    command = f"bordstein/v1/{ONE}/command"
    context = town.context(town.gateway("rathaus"))
    with Client(broker.port, context, name=GATEWAY_USER) as other:
        assert other.publish(command, b"{}") == "Not authorized"
    elsewhere = Mosquitto(town, folder=tmp_path)
    acl = tmp_path / "acl"
    acl.write_text(acl.read_text().replace("user bordstein-gateway\n", "user rathaus\n"))
    with elsewhere, Client(elsewhere.port, context) as renamed:
        assert renamed.publish(command, b"{}") == "Success"
        with Client(elsewhere.port, town.context(town.gateway())) as former:
            assert former.publish(command, b"{}") == "Not authorized"


def test_device_of_a_foreign_authority_is_refused(town, broker, foreign):
    context = foreign.context(foreign.device(ONE))
    context.load_verify_locations(town.authority.directory / "ca.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)), Client(broker.port, context, name=ONE):
        pass


def test_a_revoked_device_is_refused_and_the_others_are_not(tmp_path):
    town = Town(tmp_path)
    contexts = {name: town.context(town.device(name)) for name in (ONE, OTHER)}
    assert len(revocation.revoke(town.authority, ONE)) == 1
    with Mosquitto(town, revoked=town.authority.directory / "ca.crl.pem") as broker:
        with Client(broker.port, contexts[OTHER], name=OTHER) as other:
            assert other.publish(f"bordstein/v1/{OTHER}/readings", b"[]") == "Success"
        with pytest.raises((ssl.SSLError, ConnectionError)), Client(broker.port, contexts[ONE], name=ONE):
            pass


def test_client_without_certificate_is_refused(town, broker):
    context = ssl.create_default_context(cafile=town.authority.directory / "ca.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)), Client(broker.port, context, name=ONE):
        pass


def test_client_without_tls_is_refused(broker):
    with pytest.raises(OSError), Client(broker.port, None, name=ONE):
        pass


def test_broker_of_a_foreign_authority_is_not_believed(broker, foreign):
    with pytest.raises(ssl.SSLCertVerificationError), Client(broker.port, foreign.context(foreign.device(ONE))):
        pass


def test_broker_under_another_name_is_not_believed(town, tmp_path):
    elsewhere = Mosquitto(town, folder=tmp_path, server=town.broker("mqtt.anderswo.de"))
    with elsewhere, pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        device(town, elsewhere, ONE).__enter__()
