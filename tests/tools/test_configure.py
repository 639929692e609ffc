"""A configuration over the cable: a board never gets another's identity, nor half of one."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bordstein_tools.board.cable import Cable
from bordstein_tools.config import configuring
from bordstein_tools.keys import pki
from bordstein_tools.texts import Problem
from tests.tools import cabled

CONFIG = {
    "network": {"wifi": [{"ssid": "Stadt", "password": "geheimes Wort"}]},
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
}
NAMES = ("ca.der", "device.der", "device.key.der")
MOMENTS = 8


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders first, second (the same board's), other (another's)."""
    folder = tmp_path_factory.mktemp("keys")
    authority = pki.create(folder / "ca", "Musterstadt", None)
    for name, device in (("first", cabled.DEVICE), ("second", cabled.DEVICE), ("other", "24a160000001")):
        authority.issue_device(device, out=folder / name)
    return folder


def apply(cable: Cable, folder: Path, **change: Any) -> list[str]:
    config = {**CONFIG, **change}
    return configuring.apply(cable, config, json.dumps(config).encode(), (folder,)).written


def test_what_differs_is_written_and_the_configuration_last(keys: Path, tmp_path: Path) -> None:
    with cabled.board(tmp_path) as board, Cable.open(board.port) as cable:
        assert apply(cable, keys / "first") == [*NAMES, "config.json"]
        assert apply(cable, keys / "first") == []
        cable.write("config.state", b'{"version": 7}')
        assert apply(cable, tmp_path, name="Markt") == ["config.json"]  # its keys stay where they are
        assert not cable.exists("config.state")
        shown = configuring.on_board(cable)
        assert shown and shown["network"]["wifi"][0] == {"ssid": "Stadt", "password": configuring.HIDDEN}


def test_another_boards_keys_and_halves_are_refused(keys: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    with cabled.board(tmp_path / "b") as board, Cable.open(board.port) as cable:
        with pytest.raises(Problem, match="ca issue device"):
            apply(cable, tmp_path)
        with pytest.raises(Problem, match="24a160000001"):
            apply(cable, keys / "other")
        apply(cable, keys / "first")
        (mixed / "device.der").write_bytes((keys / "second" / "device.der").read_bytes())
        with pytest.raises(Problem, match=r"fehlt|not here"):
            apply(cable, mixed)
        (mixed / "device.key.der").write_bytes((keys / "first" / "device.key.der").read_bytes())
        with pytest.raises(Problem, match=r"nicht zusammen|not belong"):
            apply(cable, mixed)
        (mixed / "device.der").write_bytes(b"nonsense")
        with pytest.raises(Problem, match="DER"):
            apply(cable, mixed)
        with pytest.raises(Problem, match="led"):
            apply(cable, keys / "first", led="x")
        assert cable.read("device.der") == (keys / "first" / "device.der").read_bytes()
        cable.remove("config.json")
        with pytest.raises(Problem, match="ca issue device"):
            apply(cable, tmp_path)


def test_a_certificate_that_was_renewed_from_afar_is_not_replaced_by_the_one_it_had_before(
    keys: Path, tmp_path: Path
) -> None:
    authority = pki.load(keys / "ca", None)
    old = x509.load_der_x509_certificate((keys / "first" / "device.der").read_bytes())
    renewed = authority.sign("device", cabled.DEVICE, old.public_key(), 4000).public_bytes(Encoding.DER)
    with cabled.board(tmp_path) as board, Cable.open(board.port) as cable:
        apply(cable, keys / "first")
        cable.write("device.der", renewed)
        assert apply(cable, keys / "first") == [] and cable.read("device.der") == renewed
        assert apply(cable, keys / "first", name="Markt") == ["config.json"] and cable.read("device.der") == renewed
        # Another key is another matter: that of the folder counts.
        assert apply(cable, keys / "second") == ["device.der", "device.key.der", "config.json"]


def test_the_cable_may_be_pulled_at_any_moment(keys: Path, tmp_path: Path) -> None:
    sets = [[(keys / name / file).read_bytes() for file in NAMES] for name in ("first", "second")]
    with cabled.board(tmp_path) as board, Cable.open(board.port) as cable:
        apply(cable, keys / "first")
        start = board.taken
        apply(cable, keys / "second")
        total = board.taken - start
    for moment in range(MOMENTS):
        with cabled.board(tmp_path) as board, Cable.open(board.port) as cable:
            apply(cable, keys / "first")
            board.pull_after(total * (2 * moment + 1) // (2 * MOMENTS))
            with pytest.raises(Problem, match=r"abgerissen|broke"):
                apply(cable, keys / "second")
        with cabled.board(tmp_path) as board, Cable.open(board.port) as cable:
            if cable.exists("config.json"):
                assert [cable.read(name) for name in NAMES] in sets
            apply(cable, keys / "second")
            assert [cable.read(name) for name in NAMES] == sets[1] and cable.exists("config.json")
