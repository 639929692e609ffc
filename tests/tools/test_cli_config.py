"""`bordstein config check` says what the board itself would say, also from the built wheel; `init` gives an example."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bordstein_tools.config import json_mistakes
from tests import warm

ROOT = Path(__file__).parents[2]
SOUND = {
    "name": "Marktplatz 7",
    "board": "esp32-devkitc",
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "buses": {"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}},
    "sensors": {"air": {"driver": "bme280", "bus": "i2c0"}},
}
WRONG = {**SOUND, "sensors": {"air": {"driver": "bme280", "bus": "i2c0", "interval_s": "fast", "adress": 118}}}


def check(file: Path, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return bordstein("check", str(file), *arguments, **how)


def bordstein(*arguments: str, program: tuple[str, ...] = (), lang: str = "en") -> subprocess.CompletedProcess[str]:
    if not program:
        return warm.run("bordstein", "config", *arguments, lang=lang)
    return subprocess.run(
        [*program, "config", *arguments],
        env={**os.environ, "BORDSTEIN_LANG": lang},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.json"


def test_a_sound_configuration_has_no_mistakes(file):
    file.write_text(json.dumps(SOUND))
    run = check(file)
    assert (run.returncode, run.stdout) == (0, f"{file}: no mistakes.\n")
    assert json.loads(check(file, "--json").stdout) == {"file": str(file), "problems": []}
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(SOUND).encode())
    assert check(file).returncode == 0


def test_a_board_is_known_and_its_pins_too(file):
    def problems(**change):
        file.write_text(json.dumps({**SOUND, **change}))
        return json.loads(check(file, "--json").stdout)["problems"]

    assert [line.partition(":")[0] for line in problems(led=34)] == ["led"]
    assert [line.partition(":")[0] for line in problems(led=20)] == ["led"]
    assert problems(led=2) == []
    [line] = problems(board="no-such-board", led=34)
    assert line.startswith("board: ") and "esp32-devkitc" in line


def test_without_a_board_it_says_that_no_pin_was_checked(file):
    file.write_text(json.dumps({key: value for key, value in SOUND.items() if key != "board"}))
    run = check(file)
    first, hint = run.stdout.splitlines()
    assert (run.returncode, first) == (0, f"{file}: no mistakes.")
    assert hint.startswith('! without "board" the pins are not checked;') and "esp32-devkitc" in hint


def test_all_mistakes_are_named_at_once_by_their_path(file):
    file.write_text(json.dumps(WRONG))
    run = check(file)
    assert run.returncode == 1
    assert "sensors.air.interval_s: " in run.stdout
    assert "sensors.air.adress: " in run.stdout
    assert len(json.loads(check(file, "--json").stdout)["problems"]) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[" * 100000, "too deeply nested"),
        ("\udcff", "save it as UTF-8"),
        ('{"name": "M\udcfcnster"}', "save it as UTF-8"),
        ("", "line 1, column 1: the file is empty."),
        ("{", "line 1, column 2: the file ends here; a bracket is missing."),
        ('{\n"led": 2,\n  }', "line 3, column 3: there is a comma too many before }."),
        ('{"buses": [1, ]}', "line 1, column 15: there is a comma too many before ]."),
        ('{"buses": [1,, 2]}', "line 1, column 14: a value is missing here"),
        ('{"led": 2\n"name": "x"}', "line 2, column 1: a comma or a bracket is missing before this."),
        ('{"led" 2}', "a colon is missing after the name."),
        ("{led: 2}", 'line 1, column 2: a name in "…" is missing here.'),
        ("{'led': 2}", "not in '…'"),
        ('{"led": 2} // pin', "JSON knows no comments"),
        ('{"led": True}', "line 1, column 9: a value is missing here"),
        ('{"led": 2}}', "a bracket too many?"),
        ('{"name": "x}', 'this text has no " at its end.'),
        ('{"name": "x\n}', "there is a line break"),
        ('{"name": "C:\\x"}', "this is not JSON."),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_configuration_is_one_sentence(file, text, sentence):
    if text is not None:
        file.write_text(text, errors="surrogateescape")
    run = check(file)
    assert run.returncode == 1
    assert sentence in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_comma_too_many_is_said_at_the_same_place_whichever_python_looks():
    text = '{"led": 2 ,\n  }'
    for place, message in ((14, "Expecting property name enclosed in double quotes"), (10, "Illegal trailing comma")):
        problem = json_mistakes.problem("x", json.JSONDecodeError(message, text, place))
        assert problem.de == "x: Zeile 2, Spalte 3: vor } steht ein Komma zu viel."


def test_the_gateways_configuration_is_sent_to_the_gateways_program(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text('[broker]\nhost = "mqtt.musterstadt.de"\n')
    run = check(file)
    assert run.returncode == 1 and f"bordstein-gateway check --config {file}" in run.stderr


def test_a_broker_with_umlauts_is_told_its_plain_form(file):
    file.write_text(json.dumps({**SOUND, "mqtt": {**SOUND["mqtt"], "host": "mqtt.münster.de"}}))
    (line,) = check(file).stdout.splitlines()
    assert line.startswith(f"{file}: mqtt.host: ") and line.endswith("; in plain letters it is mqtt.xn--mnster-3ya.de")
    (line,) = check(file, lang="de").stdout.splitlines()
    assert line.endswith('da steht "mqtt.münster.de"; ohne Umlaute heißt er mqtt.xn--mnster-3ya.de')
    file.write_text(json.dumps({**SOUND, "mqtt.host": "mqtt.münster.de"}))
    assert "xn--" not in check(file).stdout


def test_an_example_to_start_from_is_sound_for_its_owner_only_and_never_overwrites(file):
    assert bordstein("init", str(file)).returncode == 0
    assert file.read_bytes() == (ROOT / "firmware/config.example.json").read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert check(file).stdout == f"{file}: no mistakes.\n"
    run = bordstein("init", str(file))
    assert run.returncode == 1 and "not be overwritten" in run.stderr
    run = bordstein("init", str(file / "nowhere"), "--json")
    assert run.returncode == 1 and "cannot be written" in json.loads(run.stdout)["error"]


def test_the_wheel_carries_the_checker_the_example_and_the_boards(file, tmp_path):
    build = [sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(ROOT / "tools")], check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "unpacked")
    file.write_text(json.dumps(WRONG))
    # Isolated from the checkout: only the unpacked wheel and the installed dependencies are on the path.
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'unpacked')!r}); import bordstein_tools.cli as cli; "
    script += "from bordstein_tools import boards, properties; from bordstein_tools.config import firmware_rules; "
    script += "assert boards.CARRIED.is_dir() and firmware_rules.CARRIED.is_dir() and properties.table(); cli.main()"
    program = (sys.executable, "-I", "-c", script)
    run = check(file, program=program)
    assert run.returncode == 1, run.stderr
    assert "sensors.air.interval_s: " in run.stdout
    file.unlink()
    assert bordstein("init", str(file), program=program).returncode == 0
    assert check(file, program=program).stdout == f"{file}: no mistakes.\n"
