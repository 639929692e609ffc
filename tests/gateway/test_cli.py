"""The command as a person runs it: its answers, its exit codes, and no stack trace whatever is asked."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bordstein_gateway
from bordstein_gateway.cli.common import Failed, open_store, show
from bordstein_gateway.cli.main import main
from bordstein_gateway.config.config import load
from bordstein_gateway.store import Arrival, Place, Store
from tests import warm
from tests.gateway.forwarding import BASE, DEVICE, measure
from tests.gateway.loopback import Log
from tests.street.servers import Mosquitto, Town

PACK = (
    f'[{{"bn":"urn:dev:mac:24a160fffe000001:","bt":{BASE},"n":"boot","v":1}},{{"n":"seq","v":0}},'
    '{"n":"air/air_temperature","u":"Cel","v":21.5}]'
)
TOPIC = f"bordstein/v1/{DEVICE}/readings"
HOOK = '[forward.hook]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\n'
LARGEST = "9" * 20
PACKAGE = Path(bordstein_gateway.__file__).parent


def gateway(
    *arguments: object, stdin: str | bytes = "", lang: str = "en", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command's main() in this process, as starting another costs half a second; not from two threads at once.

    German it is a process of its own: texts of the help are made when the command is imported.
    """
    if lang != "en":
        done = warm.run("bordstein-gateway", *arguments, lang=lang, env={"COLUMNS": "200", **environment}, stdin=stdin)
        assert "Traceback" not in done.stderr, done.stderr
        return done
    given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin), encoding="utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    words = ["bordstein-gateway", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"BORDSTEIN_LANG": lang, "COLUMNS": "200", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", words)
        for stream, ours in (("stdin", given), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, stream, ours)
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(words, code, *said)


def started(
    *arguments: object, stdin: str | bytes = "", lang: str = "en", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The same as a process of its own."""
    run = subprocess.run(
        [Path(sys.executable).with_name("bordstein-gateway"), *map(str, arguments)],
        env={**os.environ, "BORDSTEIN_LANG": lang, "COLUMNS": "200", **environment},
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    text = subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())
    assert "Traceback" not in text.stderr, text.stderr
    return text


def configured(folder: Path, more: str = HOOK) -> Path:
    """A configuration with a store beside it."""
    path = folder / "gateway.toml"
    files = 'ca = "ca.pem"\ncert = "gateway.pem"\nkey = "gateway.key"\n'
    data = f'[gateway]\ndata = "{folder}"\n'
    path.write_text(f'{data}[mqtt]\nhost = "localhost"\n{files}{more}')
    return path


@pytest.fixture
def config(folder: Path) -> Path:
    """A gateway that has run: readings, one of them refused by the target, and one message in quarantine."""
    log = Log(folder / "bordstein.sqlite")
    measure(log.store, 3)
    log.store.place_set(Place("hook", 3, None), [(1, "422: [/bold] :key: \x1b[31m")]).result()
    log.store.close()
    return configured(folder)


@pytest.fixture
def kept(config: Path) -> Path:
    """The same with a message in quarantine."""
    store = Store.open(config.parent / "bordstein.sqlite")
    store.write([Arrival(DEVICE, TOPIC, b"no pack \xff", None, "is not JSON")])
    store.close()
    return config


# --- decode ----------------------------------------------------------------------------------------------------------


def test_decode_prints_what_a_payload_says() -> None:
    run = started("decode", "-", stdin=PACK)
    assert run.returncode == 0 and run.stderr == ""
    assert json.loads(run.stdout)[2]["v"] == 21.5
    stored = json.loads(gateway("decode", "--topic", TOPIC, "--readings", "-", stdin=PACK).stdout)
    assert (stored["boot"], stored["seq"], stored["readings"][0]["value"]) == (1, 0, 21.5)


@pytest.mark.parametrize("payload", ["", "{", "[{}]", b"\xff\xff", "[" * 100_000])
def test_decode_says_in_one_sentence_why_not(payload: str | bytes) -> None:
    run = gateway("decode", "-", stdin=payload)
    assert (run.returncode, run.stdout) == (1, "")
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("", "die Nachricht ist leer\n"),
        ('[{"n":"a","v":"x"}]', "Record 1: v: erwartet: eine Zahl; da steht Text\n"),
        ('[{"n":"a"}]', "Record 1: v: ein Record braucht eines von v, vs, vb, vd oder s, dieser hat keines\n"),
    ],
)
def test_decode_speaks_german(payload: str, said: str) -> None:
    assert gateway("decode", "-", stdin=payload, lang="de").stderr == said


# --- init, check, doctor ---------------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_is_right_once_its_files_are_there(folder: Path) -> None:
    path = folder / "gateway.toml"
    run = gateway("init", "--host", "mqtt.musterstadt.de", path)
    assert (run.returncode, run.stdout) == (0, f"{path} written\n")
    assert 'host = "mqtt.musterstadt.de"       # the broker' in path.read_text()
    assert gateway("check", "--config", path).stdout == f"{path}: no mistakes\n"
    again = gateway("init", path)
    assert again.returncode == 1 and again.stderr == f"{path}: already there; --force overwrites\n"
    assert gateway("init", "--force", path).returncode == 0
    assert 'host = "localhost"' in path.read_text()
    assert gateway("init", "-").stdout == path.read_text()


def test_init_writes_the_unit_and_the_brokers_files_too(tmp_path: Path) -> None:
    run = gateway("init", "--all", tmp_path / "gateway.toml")
    assert run.returncode == 0
    names = {"gateway.toml", "bordstein-gateway.service", "mosquitto.conf", "bordstein.acl"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_check_says_all_mistakes_a_line_each(folder: Path) -> None:
    path = configured(folder, '[http]\nport = 0\n[forward."a\\nb"]\nkind = "webhook"\nurl = "https://h:x/"\n')
    run = gateway("check", "--config", path)
    assert (run.returncode, run.stdout) == (1, "")
    assert [line.partition(": ")[0] for line in run.stderr.splitlines()] == [
        f"{path}:{number}" for number in (9, 10, 12)
    ]


def test_check_takes_the_file_as_people_write_it(config: Path) -> None:
    assert gateway("check", config).stdout == f"{config}: no mistakes\n"


def test_a_boards_configuration_is_for_another_command(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"mqtt": {}}')
    run = gateway("check", tmp_path / "config.json")
    assert run.returncode == 1 and run.stderr.endswith("is checked by: bordstein config check\n")


def test_check_takes_the_configuration_from_the_environment_too(config: Path) -> None:
    assert gateway("check", BORDSTEIN_CONFIG=str(config)).returncode == 0


def test_doctor_fails_only_where_data_would_be_lost(town: Town, folder: Path, tmp_path: Path) -> None:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        path = configured(folder, f"port = {broker.port}\n")
        run = gateway("doctor", "--config", path, "--mosquitto-conf", tmp_path / "broker/mosquitto.conf")
    lost = [line for line in run.stdout.splitlines() if line.startswith("✗")]
    # This machine's disk and clock may be as they like.
    assert [line for line in lost if "broker" in line or "osquitto" in line or ".pem" in line] == []
    assert run.returncode == bool(lost)


def test_doctor_says_what_it_found_to_machines_and_fails_without_a_broker(folder: Path) -> None:
    run = gateway("doctor", "--json", "--no-probe", "--config", configured(folder, "port = 1\n"))
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1 and found[0]["level"] == "loses"
    assert all(finding["de"] and finding["en"] and "\n" not in finding["de"] + finding["en"] for finding in found)


# --- forward, quarantine, completeness -------------------------------------------------------------------------------


def test_a_target_is_listed_refilled_and_tried_again(config: Path) -> None:
    option = ("--config", config)
    (row,) = map(json.loads, gateway("forward", "list", "--json", *option).stdout.splitlines())
    assert (row["name"], row["waiting"], row["dead"], row["refills"]) == ("hook", 1, 1, [])
    run = gateway("forward", "refill", "hook", "--from", "2026-01-01", "--to", "2026-12-31T00:00+01:00", *option)
    assert run.returncode == 0
    assert run.stdout == "refill 1 of hook ordered: 2026-01-01T00:00:00Z to 2026-12-30T23:00:00Z\n"
    (row,) = map(json.loads, gateway("forward", "dead", "list", "--json", *option).stdout.splitlines())
    assert (row["reading"], row["device"]) == (1, DEVICE)
    assert gateway("forward", "dead", "resend", "hook", *option).stdout == "1 dead letters of hook are sent again\n"
    run = gateway("forward", "dead", "resend", "hok", *option)
    assert (run.returncode, run.stderr) == (1, "there is no [forward.hok]; is hook meant?\n")


def test_what_comes_from_outside_commands_no_terminal(config: Path) -> None:
    said = gateway("forward", "dead", "list", "--config", config).stdout
    assert "422: [/bold] :key: \\x1b[31m" in said and "\x1b" not in said


def test_a_message_in_quarantine_is_shown_and_read_again(kept: Path) -> None:
    option = ("--config", kept)
    assert "is not JSON" in gateway("quarantine", "list", *option).stdout
    (row,) = map(json.loads, gateway("quarantine", "list", "--json", *option).stdout.splitlines())
    assert row["bytes"] == 9
    shown = json.loads(gateway("quarantine", "show", row["id"], *option).stdout)
    assert shown["payload"] == "no pack \\xff"
    run = gateway("quarantine", "show", "77", *option)
    assert (run.returncode, run.stderr) == (1, "nothing in quarantine has the id 77\n")
    assert gateway("quarantine", "retry", *option).stdout == "1 messages are read again\n"


def test_no_topic_is_broken_into_pieces_in_80_columns(config: Path) -> None:
    store = Store.open(config.parent / "bordstein.sqlite")
    topic = f"bordstein/v1/{DEVICE}/command/result"
    store.write([Arrival(DEVICE, topic, b"", None, "not JSON: Expecting value at character 0, and so on " * 3)])
    store.close()
    said = gateway("quarantine", "list", "--config", config, COLUMNS="80").stdout
    assert f" {DEVICE}/command/result " in said and "bordstein/v1" not in said
    assert max(map(len, said.splitlines())) <= 80
    (row,) = map(json.loads, gateway("quarantine", "list", "--json", "--config", config).stdout.splitlines())
    assert row["topic"] == topic


def test_what_is_wider_than_the_terminal_is_shown_line_by_line_and_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = {"target": "t" * 40, "series": "bay/" + "x" * 40, "tries": "", "reason": "because " * 20 + "[red]of it"}
    show([row, row], False, "")
    said = capsys.readouterr().out
    assert all(said.count(str(value)) == 2 for value in row.values() if value) and "tries" not in said
    show([{**row, "target": "t", "series": "bay"}], False, "")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["target", "series", "tries", "reason"] and max(map(len, lines)) <= 80


def test_completeness_is_by_board_and_day(config: Path) -> None:
    option = ("--config", config)
    rows = gateway("completeness", "--from", "2026-09-01", "--to", "2026-09-30", "--json", *option).stdout
    assert [json.loads(row)["arrived"] for row in rows.splitlines() if json.loads(row)["arrived"]] == [3]
    run = gateway("completeness", "--device", "24a160999999", *option)
    assert (run.returncode, run.stdout) == (0, "no packs in these days\n")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("decode", "--readings", "-"),
        ("decode", "--topic", "a/b", "-"),
        ("init", "--host", "mqtts://x", "-"),
        ("forward", "refill", "hook", "--from", "x", "--to", "2026-01-01"),
        ("forward", "refill", "hook", "--from", "0001-01-01T00:00+02:00", "--to", "2026-01-01"),
        ("forward", "refill", "hook", "--from", "2026-01-02", "--to", "2026-01-01"),
        ("forward", "dead", "resend", "hook", LARGEST),
        ("forward", "dead", "list", "--limit", LARGEST),
        ("quarantine", "show", LARGEST),
        ("quarantine", "show", "0"),
        ("quarantine", "retry", LARGEST),
        ("completeness", "--from", "x"),
        ("completeness", "--to", "2026-13-01"),
        ("completeness", "--from", "2026-02-01", "--to", "2026-01-01"),
    ],
)
def test_what_makes_no_sense_ends_with_2(config: Path, words: tuple[str, ...]) -> None:
    run = gateway(*words, BORDSTEIN_CONFIG=str(config))
    assert run.returncode == 2 and run.stdout == ""


@pytest.mark.parametrize(
    "words", [("check",), ("doctor",), ("run",), ("forward", "list"), ("quarantine", "list"), ("completeness",)]
)
def test_what_fails_ends_with_1_and_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    run = gateway(*words, "--config", tmp_path / "nowhere.toml")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"{tmp_path}/nowhere.toml: there is no such file; name another with --config FILE")
    assert run.stderr.count("\n") == 1


def test_a_gateway_that_has_not_run_has_no_store(folder: Path) -> None:
    run = gateway("forward", "list", "--config", configured(folder))
    assert (run.returncode, len(run.stderr.splitlines())) == (1, 1) and "has the gateway run?" in run.stderr


def test_a_damaged_store_is_a_german_sentence(config: Path) -> None:
    (config.parent / "bordstein.sqlite").write_bytes(b"x" * 8192)
    run = gateway("quarantine", "list", "--config", config, lang="de")
    assert run.returncode == 1 and "ist beschädigt" in run.stderr


def test_who_may_not_enter_the_data_folder_is_told_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    settings = load(config)
    monkeypatch.setattr(Path, "exists", forbidden)  # root may enter any
    with pytest.raises(Failed, match=r"bordstein\.sqlite can't be reached \(Permission denied\); use sudo\."):
        open_store(settings).__enter__()


def test_help_is_german_and_in_whole_sentences() -> None:
    for words in ((), ("forward",), ("quarantine",)):
        said = gateway(*words, "--help", lang="de", COLUMNS="80").stdout
        assert "..." not in said.replace("[ARGUMENTE]...", "") and "Diese Hilfe zeigen." in said, said
    said = gateway("run", "--help", lang="de").stdout
    assert "--config DATEI" in said and "[OPTIONEN]" in said and said.startswith("Aufruf: ")
    said = gateway("forward", "pause", "--help", lang="de").stdout
    assert all(f"\n{title}:\n" in said for title in ("Argumente", "Optionen")) and "[nötig]" in said
    assert "Vorgabe:" in said and not any(word in said for word in ("required", "default", "Options", "env var"))
    assert "\nBefehle:\n" in gateway("--help", lang="de").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("decode",), "Fehler: Fehlendes Argument „DATEI“."),
        (("nonsense",), "Fehler: Den Befehl „nonsense“ gibt es nicht."),
        (("quarantine", "show", "0"), "Fehler: Ungültiger Wert für NUMMER: erwartet: mindestens 1"),
        (("decode", "a", "b"), "Fehler: Zu viele Argumente (b)"),
        (("run", "--nonsense"), "Fehler: Die Option --nonsense gibt es nicht."),
        (("quarantine", "show", "x"), "Fehler: Ungültiger Wert für NUMMER: erwartet: eine ganze Zahl"),
    ],
)
def test_misuse_is_said_in_german(words: tuple[str, ...], sentence: str) -> None:
    run = gateway(*words, lang="de")
    assert (run.returncode, run.stdout) == (2, "") and run.stderr.splitlines()[-1] == sentence
    assert run.stderr.startswith("Aufruf: ")


def test_exit_codes_are_the_same_in_german(config: Path) -> None:
    assert gateway("check", config, lang="de").returncode == 0
    assert gateway("check", config.with_name("nowhere"), lang="de").returncode == 1
    assert gateway("doctor", "--no-probe", "--config", config, lang="de").returncode == 1
    assert gateway(lang="de").returncode == 2


def test_german_has_one_word_for_a_board_and_german_quotes() -> None:
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml")]:
        assert re.findall("[«»]|Platine", path.read_text()) == [], path
    assert "„mqtts://x“ ist weder" in gateway("init", "--host", "mqtts://x", "-", lang="de").stderr


def test_german_comes_first(config: Path) -> None:
    assert gateway("check", "--config", config, lang="de").stdout == f"{config}: keine Fehler\n"
    assert gateway("quarantine", "list", "--config", config, lang="de").stdout == "die Quarantäne ist leer\n"
    assert "Grund" in gateway("forward", "dead", "list", "--config", config, lang="de").stdout
    assert "Alle Fehler" in gateway("check", "--help", lang="de").stdout
    config.write_text(config.read_text() + "timeout = 0\n")
    said = gateway("check", "--config", config, lang="de").stderr
    assert said == f"{config}:11: forward.hook.timeout: erwartet: eine ganze Zahl 1..600; da steht 0\n"
