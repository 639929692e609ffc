"""[forward.…] of the kinds with boxes, boards and databases: each mistake is a sentence with its line."""

import sys
from pathlib import Path

import pytest

from bordstein_gateway.config import config
from tests.gateway.configuring import MQTT, load, problems, secrets

MAP = MQTT + '[forward.map]\nkind = "opensensemap"\n'
BOX = (
    '[[forward.map.box]]\nid = "5f2b56f4263635001c1dd1fd"\ndevice = "24a160123456"\naccess_token_file = "secret"\n'
    'sensors = { pm10 = "5f2b56f4263635001c1dd1fe", "air/foo" = "5f2b56f4263635001c1dd1ff" }\n'
)
CITIZENS = MQTT + '[forward.citizens]\nkind = "sensor-community"\n'
BOARD = '[[forward.citizens.board]]\ndevice = "24a160123456"\nsensor = "esp32-1234"\nchips = { dust = "SDS011" }\n'
TOWN = MQTT + '[forward.town]\nkind = "postgresql"\nurl = "postgresql://bordstein@db.example.org/town"\n'

MISTAKES = [
    (MAP, "forward.map: box is missing: a table [[….box]] for each board", 6),
    (MAP + "box = 1\n", "forward.map.box: expected a list, got 1", 8),
    (MAP + BOX + BOX, "forward.map.box[2].device: this board has a box already", 15),
    (MAP + BOX.replace("1fd", "1fD"), "forward.map.box[1].id: expected 24 lower-case hex digits", 9),
    (MAP + BOX.replace("1fe", ""), "forward.map.box[1].sensors.pm10: expected 24 lower-case hex digits", 12),
    (MAP + BOX.replace("pm10", "pm11"), "sensors.pm11: neither a property of the table nor a series", 12),
    (MAP + BOX.replace('"secret"', '"empty"'), "forward.map.box[1].access_token_file: ", 11),
    (MAP + BOX.replace("_file", ""), "name that file as access_token_file", 11),
    (MAP + "batch = 2501\n" + BOX, "expected an integer 1..2500, got 2501", 8),
    (MAP + 'token_file = "secret"\n' + BOX, "forward.map.token_file: openSenseMap lets in by the box's token", 8),
    (MAP + 'url = "http://map.example.org"\n' + BOX, "forward.map.url: a password or token would travel in the", 8),
    (CITIZENS, "forward.citizens: board is missing: a table [[….board]] for each board", 6),
    (CITIZENS + BOARD + BOARD, "forward.citizens.board[2].device: this board is there already", 13),
    (CITIZENS + BOARD.replace("SDS011", "SDS021"), 'board[1].chips.dust: expected one of "BME280", "BMP180"', 11),
    (CITIZENS + BOARD.replace("32-1", "321"), "board[1].sensor: expected the id as it was registered there", 10),
    (CITIZENS + "live = 90\n" + BOARD, "forward.citizens.live: expected an integer 1..60, got 90", 8),
    (TOWN.replace("postgresql://", "mysql://"), "forward.town.url: expected an address like postgresql://", 8),
    (TOWN.replace("/town", ""), "forward.town.url: is not an address like postgresql://", 8),
    (TOWN.replace("bordstein@", "bordstein:geheim@"), "forward.town.url: no password stands in an address", 8),
    (TOWN.replace("/town", "/town?password=geheim"), "forward.town.url: no password stands in an address", 8),
    (TOWN.replace("/town", "/town?sslmode=disable"), "readings and password would travel in the clear", 8),
    (TOWN + 'table = "readings; DROP"\n', "forward.town.table: expected the name of a table", 9),
    (TOWN + 'conflict = "replace"\n', 'forward.town.conflict: expected one of "keep", "update"', 9),
    (TOWN + 'password_file = "empty"\n', "forward.town.password_file: ", 9),
    (TOWN + 'ca = "gateway.key"\n', "forward.town.ca: ", 9),
    (TOWN + "headers = {}\n", "forward.town.headers: there is no such key here", 9),
]


@pytest.mark.parametrize(("text", "said", "line"), MISTAKES)
def test_a_mistake_is_one_sentence_with_its_line_and_no_secret(folder: Path, text: str, said: str, line: int) -> None:
    secrets(folder)
    found = problems(folder, text)
    assert any(problem.startswith(f"{line}: ") and said in problem for problem in found), found
    assert len(found) == 1 or ("access_token" in text and "_file" not in text)
    assert "geheim" not in "".join(found)


def test_a_database_without_its_client_library_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    assert problems(folder, TOWN) == [
        "7: forward.town.kind: psycopg is missing for this: pip install -r requirements-postgresql.txt"
    ]


def test_what_is_right_arrives_and_its_secret_files_are_known(folder: Path) -> None:
    secrets(folder)
    forwards = (MAP + BOX + (CITIZENS + BOARD + TOWN).replace(MQTT, "")) + 'password_file = "secret"\n'
    loaded = load(folder, forwards)
    place, citizens, town = loaded.forward.values()
    assert isinstance(place, config.OpenSenseMap) and isinstance(citizens, config.SensorCommunity)
    assert isinstance(town, config.PostgreSQL)
    assert loaded.secret_files.count(str(folder / "secret")) == 2
    assert place.wants("24a160123456", "dust/pm10", "pm10")
    assert not place.wants("24a160123456", "dust/pm2_5", "pm2_5")
    assert citizens.wants("24a160123456", "dust/pm2_5", "pm2_5")
    assert not citizens.wants("24a160123457", "dust/pm2_5", "pm2_5")
