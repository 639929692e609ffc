"""A board's certificate is renewed over its running connection: real authority, broker, gateway and firmware."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.keys import issued, renewal, revocation
from tests.hardware.scenarios import BOARDS
from tests.street.boards import Board
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town
from tests.street.test_board_config import DEVICE, reported, run


@pytest.fixture
def own_broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    """With a list of what is revoked, and somebody on it."""
    town.authority.issue_device("24a1600000ff")
    revocation.revoke(town.authority, "24a1600000ff")
    with Mosquitto(town, folder=tmp_path / "broker", revoked=town.authority.directory / "ca.crl.pem") as broker:
        yield broker


@pytest.fixture
def board(town: Town, own_broker: Mosquitto, own_gateway: Gateway, tmp_path: Path) -> Iterator[Board]:
    keeps = ["config.json", "device.der"]
    trial = {"trial_s": 10}
    with Board(town, own_broker, DEVICE, BOARDS[0], config=trial, folder=tmp_path / "board", keeps=keeps) as board:
        assert until(lambda: reported(own_gateway).get("running") == 0, 60), board.process.tail()
        yield board


def test_a_board_gets_a_new_certificate_and_the_old_one_can_go(
    town: Town, own_broker: Mosquitto, own_gateway: Gateway, board: Board, tmp_path: Path
) -> None:
    directory = town.authority.directory
    [old] = renewal.due(directory, [DEVICE], None)
    assert reported(own_gateway)["certificate"] == f"{old.end:%Y-%m-%d}"
    folder = tmp_path / "renewed"
    [[made], left] = renewal.renew(town.authority, [old], folder, days=4000)
    assert not left
    starts = board.starts
    done = run(own_gateway, "certificate", DEVICE, made.certificate)
    assert (done.returncode, done.stdout) == (0, f"{DEVICE}  shows the new certificate\n"), (done, board.process.tail())
    assert board.starts == starts + 1
    assert reported(own_gateway)["certificate"] == f"{made.not_after:%Y-%m-%d}"
    assert made.certificate.read_bytes() in (tmp_path / "board" / "flash").read_bytes()
    again = run(own_gateway, "certificate", "--folder", folder, "--json")
    assert json.loads(again.stdout)["ok"] is True and board.starts == starts + 1

    # The broker learns that the old one counts no more, and of one that the board does not have yet.
    [[bad], _] = renewal.renew(town.authority, renewal.due(directory, [DEVICE], None), tmp_path / "bad", 5000)
    for serial in (old.serial, bad.serial):
        assert len(revocation.revoke(town.authority, serial)) == 1
    assert [one.serial for one in issued.listed(directory) if one.current and one.name == DEVICE] == [made.serial]
    context = town.context(town.device(DEVICE))
    with Client(own_broker.port, context, name="somebody"):
        pass
    own_broker.stop()
    own_broker.start()
    with pytest.raises((ssl.SSLError, ConnectionError)), Client(own_broker.port, context, name="somebody"):
        pass
    before = len(own_gateway.stored())
    assert until(lambda: len(own_gateway.stored()) > before, 60), board.process.tail()
    refused = run(own_gateway, "certificate", DEVICE, bad.certificate, "--wait", 90)
    assert refused.returncode == 1 and "no answer from the gateway within 10 s" in refused.stdout, refused
    assert "go on with the old ones" in refused.stderr
    assert board.crash is None and reported(own_gateway)["ok"] is True
    assert reported(own_gateway)["certificate"] == f"{made.not_after:%Y-%m-%d}"
