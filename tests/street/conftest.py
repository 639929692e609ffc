"""Fixtures of the street's tests: a town's keys once a module, a broker a module, each ended with it."""

import pytest

from tests.street import van
from tests.street.servers import Gateway, Mosquitto, Town


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    """A release of this firmware, signed, and its public key."""
    return van.works(tmp_path_factory.mktemp("works"))


@pytest.fixture(scope="module")
def broker(town):
    with Mosquitto(town) as broker:
        yield broker


@pytest.fixture
def own_broker(town, tmp_path):
    """One that keeps nothing of another test's board."""
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def own_gateway(town, own_broker, tmp_path):
    with Gateway(town, own_broker, folder=tmp_path / "gateway") as gateway:
        yield gateway
