"""The list of `bordstein batch`: how it may be written, and that all its mistakes are said at once."""

import json
from pathlib import Path

import pytest

from bordstein_tools.batch import rows as batch_list
from bordstein_tools.batch.recipes import Recipes
from bordstein_tools.batch.rows import Row
from bordstein_tools.config.town import Town
from bordstein_tools.texts import Problem
from tests.tools.test_cli_ca import bordstein

TOWN = Town(
    mqtt={"host": "mqtt.musterstadt.de"},
    networks={"stadt": {"wifi": [{"ssid": "Stadt", "password": "ganz-geheim"}]}},
    kits={
        "luft": {"board": "esp32-devkitc", "sensors": {"air": {"driver": "bme280", "bus": "i2c0"}}},
        "krumm": {"board": "esp32-devkitc", "sensors": {"air": {"driver": "bme280", "bus": "i2c7"}}},
    },
    sites={"mitte": {"network": "stadt", "kit": "luft"}},
)


def read(folder: Path, content: str, encoding: str = "utf-8") -> list[Row]:
    file = folder / "liste.csv"
    file.write_text(content, encoding=encoding)
    return batch_list.read(file, Recipes(TOWN, None, []).mistakes)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "en")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_it_is_read_as_a_spreadsheet_writes_it(tmp_path: Path, separator: str, encoding: str) -> None:
    lines = ["Gerät;Inventarnummer ;GEBIET;Standort", "24:A1:60:12:34:56;BS-1;mitte;Bürgerpark", "", ";BS-2;;"]
    assert read(tmp_path, "\r\n".join(lines).replace(";", separator), encoding) == [
        Row(2, "BS-1", "mitte", "Bürgerpark", device="24a160123456"),
        Row(4, "BS-2"),
    ]


def test_english_columns_in_any_order_and_a_cell_over_two_lines(tmp_path: Path) -> None:
    rows = read(
        tmp_path, 'network,kit,board,asset,mac\nstadt,luft,esp32-devkitc,"1",\n"ethernet",,olimex-esp32-poe-iso,2,'
    )
    assert rows == [
        Row(2, "1", network="stadt", sensors="luft", board="esp32-devkitc"),
        Row(3, "2", network="ethernet", board="olimex-esp32-poe-iso"),
    ]
    with pytest.raises(Problem) as said:
        read(tmp_path, 'asset,place\n1,"Platz\n7"\n1,')
    assert "line 2: " in str(said.value) and "line 4: 1 is in line 2 already" in str(said.value)


def test_all_mistakes_are_said_at_once_each_with_its_lines(tmp_path: Path) -> None:
    rows = [
        "asset;site;network;sensors;board;device",
        "BS-1;nord;;;;",
        "bs-1;;;;;",
        ";;;;;",
        ";mitte;;;;",
        "BS-3;;funkloch;;;",
        "BS-4;;funkloch;bme999;;",
        "BS-5;;;;esp8266;24a16012345",
        "BS-6;;;krumm;;24a160123456",
        "BS-7;;;;;24:a1:60:12:34:56",
        "BS-8;;;;esp32-c3-devkitm;;;7",
    ]
    with pytest.raises(Problem) as said:
        read(tmp_path, "\n".join(rows))
    first, *lines = str(said.value).splitlines()
    assert first.endswith("liste.csv has mistakes; correct them, nothing was begun yet:")
    assert [line.strip()[: line.strip().index(":")] for line in lines] == [
        *("line 2", "line 3", "line 5", "lines 6–7", "line 7", "line 8", "line 8", "line 9", "line 10", "line 11")
    ]
    for part in (
        'no site "nord" is known; there are mitte',
        "bs-1 is in line 2 already",
        "the asset number is missing",
        'no network "funkloch" is known; there are stadt, ethernet',
        "there is no sensor or kit bme999",
        "expected the base MAC",
        "no board esp8266 is known",
        "i2c7",
        "24a160123456 is in line 9 already",
        "more fields than columns",
    ):
        assert part in str(said.value), part
    assert "ganz-geheim" not in str(said.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "line 1: the list is empty"),
        ("asset;farbe\nBS-1;rot", 'line 1: there is no column "farbe"'),
        ("asset;Inventarnummer\n1;2", 'line 1: the column "Inventarnummer" is there twice'),
        ("place\nMarkt", "line 1: the column asset is missing"),
        ("\nasset\n", "line 2: there is no row below the columns"),
    ],
)
def test_what_is_wrong_with_the_whole_of_it(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(Problem) as said:
        read(tmp_path, content)
    assert sentence in str(said.value)


def test_the_command_says_it_before_anything_is_begun(tmp_path: Path) -> None:
    (tmp_path / "bordstein.toml").write_text('[mqtt]\nhost = "mqtt.musterstadt.de"\n')
    (tmp_path / "liste.csv").write_text("inventarnummer;netz\nBS-1;stadt\n")
    said = bordstein("batch", "liste.csv", folder=tmp_path, lang="de")
    assert said.returncode == 1 and "Zeile 2: ein Netz „stadt“ ist nicht bekannt" in said.stderr
    assert "Traceback" not in said.stderr and not list(tmp_path.glob("*.jsonl"))
    said = bordstein("batch", "gibts-nicht.csv", "--json", folder=tmp_path)
    assert said.returncode == 1 and "gibts-nicht.csv cannot be read" in json.loads(said.stdout)["error"]
