"""Fixtures of the tools' tests: a town, its broker, and a board that is deployed once a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.board import deploying
from bordstein_tools.board.cable import Cable
from tests.street.servers import Mosquitto, Town
from tests.tools import cabled, checked


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def broker(town: Town) -> Iterator[Mosquitto]:
    with Mosquitto(town) as broker:
        yield broker


@pytest.fixture(scope="module")
def flash(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a board with software and keys and without a configuration."""
    folder = tmp_path_factory.mktemp("deployed") / "board"
    with cabled.board(folder) as board, Cable.open(board.port) as cable:
        deploying.deploy(cable, cabled.compiled(tmp_path_factory.mktemp("compiled")), None)
        for name, content in checked.keys(town).items():
            cable.write(name, content)
    return folder / "flash"
