"""What README.md says of starting in a real town, followed to the letter in a folder in place of the root."""

import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import textwrap
import tomllib
from pathlib import Path

import pytest

from bordstein_gateway.config.config import AnyForward, AnyInput
from bordstein_gateway.config.types import folder_of
from bordstein_gateway.store import Store
from tests.street.processes import Process, free_port
from tests.street.servers import mosquitto_path

ROOT = Path(__file__).parents[2]
HOST = "mqtt.musterstadt.de"
# What needs a network, a board or the machine's own systemd.
LEFT_OUT = (
    "make package",
    "scp ",
    "apt ",
    "python3 -m venv",
    "/opt/bordstein/bin/pip",
    "systemctl",
    ".venv/bin/bordstein images",
    ".venv/bin/bordstein setup",
)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def steps() -> list[str]:
    """The commands of each step, as they stand in the text."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## Starting in a real town") : text.index("## What is where")]
    parts = re.split(r"(?m)^\d\. \*\*", section)[1:]
    return [textwrap.dedent("\n".join(re.findall(r"(?m)^ {7}.*", part))) for part in parts]


class Machine:
    """A folder in which / and the checkout are others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self.checkout.mkdir()
        for name in (".venv", "gateway"):
            (self.checkout / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / ".gitignore", self.checkout)
        (self.checkout / "dist").mkdir()
        (self.checkout / "dist/bordstein_gateway-0.1.0-py3-none-any.whl").touch()
        for name in ("mosquitto/certs", "systemd/system"):
            (folder / "etc" / name).mkdir(parents=True)

    def follow(self, step: str, where: Path) -> str:
        lines = [line for line in step.splitlines() if not line.startswith(LEFT_OUT)]
        script = "\n".join(lines).replace("/opt/bordstein/bin", str(ROOT / ".venv/bin"))
        script = (
            script.replace(" /etc/", f" {self.folder}/etc/").replace(" -o mosquitto", "").replace(HOST, "localhost")
        )
        script = script.replace("ca init", "ca init --no-passphrase").replace(
            "signing init", "signing init --no-passphrase"
        )
        environment = {"BORDSTEIN_LANG": "en", "BORDSTEIN_CONFIG": f"{self.folder}/etc/bordstein/gateway.toml"}
        run = subprocess.run(
            ["sh", "-euc", script],
            cwd=where,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, f"{script}\n{run.stdout}{run.stderr}"
        return run.stdout

    def untracked(self) -> set[str]:
        """What git would ask about after the steps, beside what was there before."""
        git = ["git", "-C", str(self.checkout)]
        subprocess.run([*git, "init", "--quiet"], check=True)
        run = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True)
        return {line[3:] for line in run.stdout.splitlines()} - {".venv", ".gitignore", "gateway"}


def test_a_town_can_follow_the_readme(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    _, keys, broker, gateway, board, work = steps()
    machine.follow(keys, machine.checkout)
    server = machine.checkout / "server"
    machine.follow(broker, server)
    port = free_port()
    conf = tmp_path / "etc/mosquitto/mosquitto.conf"
    (tmp_path / "persistence").mkdir()
    text = conf.read_text().replace("/etc/", f"{tmp_path}/etc/").replace("listener 8883", f"listener {port} 127.0.0.1")
    text = text.replace("/var/lib/mosquitto", str(tmp_path / "persistence")).replace(
        "log_dest syslog", "log_dest stderr"
    )
    conf.write_text(text + f"user {getpass.getuser()}\n")
    settings = server / "gateway.toml"
    data = f'data = "{tmp_path}/data"\n'
    example = settings.read_text()
    assert example.index("[mqtt]") < example.index("#port = 8883") < example.index("[store]")
    # Only the gateway's own broker: a target's has a port of its own further down.
    settings.write_text(
        example.replace("#port = 8883", f"port = {port}", 1).replace("[gateway]\n", f"[gateway]\n{data}", 1)
    )
    with Process("mosquitto", [mosquitto_path(), "-c", conf], tmp_path / "mosquitto.log") as running:
        running.wait_ready(lambda: answers(port), 20)
        said = machine.follow(gateway, server)
    assert "no mistakes" in said and f"The broker localhost:{port} answers." in said
    assert (tmp_path / "etc/bordstein/gateway.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/mosquitto/certs/broker.key").stat().st_mode & 0o777 == 0o600
    # The gateway that systemd starts would have made it.
    (tmp_path / "data").mkdir()
    Store.open(tmp_path / "data/bordstein.sqlite", alone=True).close()
    said = machine.follow(work, server)
    assert "1 rule sheet, no mistakes" in said and re.search(
        r"eva is there, role administrator\nFirst password.*: \S+", said
    )
    assert machine.follow(board, machine.checkout) == "config.json: no mistakes.\n"
    assert machine.untracked() == set(), "keys and passwords could be committed"


def test_the_image_is_the_one_that_the_boards_description_names() -> None:
    *_, board, _ = steps()
    (config,) = re.findall(r"(?s)<<'END'\n(.*)\nEND\n", board)
    described = tomllib.loads((ROOT / f"boards/{json.loads(config)['board']}.toml").read_text())
    assert f"bordstein images add {described['image']['name']}\n" in board


@pytest.mark.parametrize("words", ["images add", "setup"])
def test_the_verbs_that_need_a_board_know_the_options_that_stand_there(words: str) -> None:
    *_, board, _ = steps()
    (line,) = re.findall(rf"(?m)^\.venv/bin/bordstein {words} (.*)", board)
    program = [ROOT / ".venv/bin/bordstein", *words.split(), "--help"]
    run = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and all(option in run.stdout for option in re.findall(r"--[a-z]+", line)), run.stdout


def test_each_kind_of_target_and_input_stands_in_the_table_with_its_page() -> None:
    text = (ROOT / "gateway/README.md").read_text()
    for place, kinds in (("forward", AnyForward.__args__), ("inputs", AnyInput.__args__)):
        for kind in kinds:
            page = f"bordstein_gateway/{place}/{folder_of(kind)}/README.md"
            assert f"| [`{kind.__struct_config__.tag}`]({page}) |" in text and (ROOT / "gateway" / page).exists()
