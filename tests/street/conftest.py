"""Fixtures of the street's tests: a town's keys once a module, a broker a module, each ended with it."""

import pytest

from tests.street.servers import Mosquitto, Town


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def broker(town):
    with Mosquitto(town) as broker:
        yield broker
