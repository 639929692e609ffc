"""What is easily lost when a board is set up in pieces, or several at once."""

import csv
import dataclasses
import functools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from bordstein_tools.board.cable import Cable
from bordstein_tools.board.micropython import OpenBar
from bordstein_tools.keys import pki, revocation
from bordstein_tools.setup import registering, setting_up
from bordstein_tools.setup.setting_up import Wanted
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.tools import cabled

CONFIG = {
    "name": "Marktplatz 7",
    "board": "esp32-devkitc",
    "mqtt": {"host": "localhost", "port": 1, "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "sensors": {},
}


class Steps(list[str]):
    def step(self, de: str, en: str) -> None:
        self.append(en)

    def bar(self, de: str, en: str) -> OpenBar:
        class Bar:
            def __enter__(self):  # type: ignore[no-untyped-def]
                return lambda done, total: None

            def __exit__(self, *_: object) -> None:
                pass

        return Bar


def identity(board: PtyBoard) -> bytes:
    with Cable.open(board.port) as cable:
        return cable.read("device.der") + cable.read("device.key.der")


def certificate(board: PtyBoard) -> x509.Certificate:
    with Cable.open(board.port) as cable:
        return x509.load_der_x509_certificate(cable.read("device.der"))


def test_a_board_with_keys_and_no_configuration_gets_new_ones_and_none_of_them_touches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = pki.create(tmp_path / "ca", "Musterstadt", None)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    software = cabled.compiled(tmp_path / "firmware")
    wanted = Wanted(CONFIG, "BS-1", "", software, None, lambda: authority, wait_s=0)
    with cabled.board(tmp_path / "board") as board:
        assert not setting_up.set_up(board.port, wanted, Steps()).ready
        first = identity(board)
        steps = Steps()
        setting_up.set_up(board.port, wanted, steps)
        assert steps and "issuing key and certificate" not in steps and identity(board) == first
        with Cable.open(board.port) as cable:
            cable.remove("config.json")  # as after a cable that was pulled before it was written
        assert not setting_up.set_up(board.port, wanted, Steps()).ready
        assert identity(board) != first
        with Cable.open(board.port) as cable:
            assert json.loads(cable.read("config.json")) == CONFIG
    assert (tmp_path / "ca" / "issued.csv").read_text().count(cabled.DEVICE) == 2
    assert not list(temporary.iterdir()) and not list((tmp_path / "ca").glob("devices/*"))


def test_a_certificate_that_was_revoked_or_is_another_towns_is_replaced_and_nothing_done_without_the_authority(
    tmp_path: Path,
) -> None:
    software = cabled.compiled(tmp_path / "firmware")
    here = tmp_path / "ca"
    authority = pki.create(here, "Musterstadt", None)
    elsewhere = pki.create(tmp_path / "elsewhere", "Anderswo", None)

    def wanted(of: pki.Authority) -> Wanted:
        counts = functools.partial(revocation.counts, of.directory)
        return Wanted(CONFIG, "BS-1", "", software, None, lambda: of, wait_s=0, counts=counts)

    def none() -> pki.Authority:
        return pki.load(tmp_path / "nowhere", None)

    with cabled.board(tmp_path / "board") as board:
        with Cable.open(board.port) as cable:
            before = cable.tree("")
        with pytest.raises(Problem, match="nowhere"):
            setting_up.set_up(board.port, dataclasses.replace(wanted(authority), authority=none), Steps())
        newer = dataclasses.replace(wanted(authority), software=software._replace(micropython="9.0"))
        with pytest.raises(Problem, match=r"software needs 9\.0.*bordstein flash|braucht 9\.0.*bordstein flash"):
            setting_up.set_up(board.port, newer, Steps())
        with Cable.open(board.port) as cable:
            assert cable.tree("") == before
        setting_up.set_up(board.port, wanted(elsewhere), Steps())
        foreign = identity(board)
        setting_up.set_up(board.port, wanted(authority), Steps())
        first = identity(board)
        assert first != foreign and revocation.counts(here, certificate(board))
        revocation.revoke(authority, cabled.DEVICE)
        assert not revocation.counts(here, certificate(board))
        setting_up.set_up(board.port, wanted(authority), Steps())
        assert identity(board) != first and revocation.counts(here, certificate(board))


def test_a_board_works_on_when_setup_ends_at_an_answer_or_without_the_authority(tmp_path: Path) -> None:
    software = cabled.compiled(tmp_path / "firmware")

    def ended(*_: object) -> Any:
        raise KeyboardInterrupt

    def locked() -> pki.Authority:
        raise Problem("falsche Passphrase", "wrong passphrase")

    wanted = Wanted(CONFIG, "BS-1", "", software, None, locked, wait_s=0)
    with cabled.board(tmp_path / "board") as board:
        for error, setup in (
            (KeyboardInterrupt, lambda: setting_up.prepare(board.port, ended, Steps())),
            (Problem, lambda: setting_up.set_up(board.port, wanted, Steps())),
        ):
            starts = board.starts
            with pytest.raises(error):
                setup()
            board.wait_for_start(starts + 1)


def test_several_at_once_lose_nothing_of_what_was_issued_or_registered(tmp_path: Path) -> None:
    authority = pki.create(tmp_path / "ca", "Musterstadt", None)
    devices = [f"24a1600000{number:02x}" for number in range(24)]
    for device in devices[::2]:
        authority.issue_device(device)

    def one(device: str) -> None:
        facts = dict.fromkeys(registering.COLUMNS, "x") | {"device": device}
        registering.note(tmp_path / "boards.csv", facts)
        try:
            authority.issue_device(device)
        except Problem:  # the first of each two is there already, and taken back
            assert device in devices[::2]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, devices))
    with (tmp_path / "ca" / "issued.csv").open() as file:
        assert sorted(row["name"] for row in csv.DictReader(file)) == devices
    with (tmp_path / "boards.csv").open() as file:
        assert sorted(row["device"] for row in csv.DictReader(file)) == devices
