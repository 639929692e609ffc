"""`bordstein doctor`: what keeps a computer from field work, each with its cure. Folders are other computers."""

import datetime as dt
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bordstein_tools import boards
from bordstein_tools.board import images
from bordstein_tools.board.ports import MAKERS, Port
from bordstein_tools.keys import pki, revocation, signing
from bordstein_tools.support import computer as checking_computer
from bordstein_tools.support.computer import Computer
from bordstein_tools.support.finding import Finding
from tests.tools.flash_image import image
from tests.tools.test_cli_ca import bordstein

CH340, CP210X = MAKERS[0x1A86], MAKERS[0x10C4]
GROUP = "root:x:0:\ndialout:x:20:anna\nuucp:x:10:\n"


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """A Linux computer with nothing on it, and nobody's."""
    root = tmp_path / "root"
    write(root / "etc/group", GROUP)
    return Computer(
        ca=tmp_path / "ca",
        public=tmp_path / "release.pub",
        platform="linux",
        root=root,
        found_ports=list,
        user="bert",
        uid=1000,
        groups=frozenset({1000}),
        folder=tmp_path,
        packages=("json",),
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def about(what: str, computer: Computer) -> list[Finding]:
    found = [one for one in checking_computer.check(computer) if one.about == what]
    assert all(one.de != one.en for one in found)
    return found


def one(what: str, computer: Computer) -> tuple[str, str]:
    (found,) = about(what, computer)
    return found.level, str(found)


# --- ports -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_another_program_has_open_is_named_with_it(computer: Computer, terminal: str) -> None:
    computer = replace(computer, root=Path("/"), found_ports=lambda: [Port(terminal, CP210X)])
    assert one("port", computer) == ("good", f"CP210x is on {terminal}.")
    holds = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds, terminal], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline()
        level, text = one("port", computer)
        assert other.stdin is not None
        other.stdin.close()
    assert level == "bad" and f"({other.pid})" in text and "end it, please" in text


def test_a_port_that_went_is_bad_and_none_at_all_is_worth_a_look(computer: Computer) -> None:
    gone = replace(computer, found_ports=lambda: [Port("/dev/ttyNOWHERE", CP210X)])
    level, text = one("port", gone)
    assert level == "bad" and "no port /dev/ttyNOWHERE" in text
    assert one("port", computer) == (
        "look",
        "No board found: plug the cable in (one with data lines, not a charging cable).",
    )
    write(computer.root / "sys/bus/usb/devices/1-1/idVendor", "10c4\n")
    write(computer.root / "sys/bus/usb/devices/1-2/idVendor", "046d\n")
    level, text = one("port", computer)
    assert level == "look" and text.startswith("CP210x is on the USB, but has no port") and "cp210x" in text


@pytest.mark.parametrize(("platform", "words"), [("win32", "CH341SER"), ("darwin", "/dev/cu.")])
def test_other_systems_get_their_own_hints_and_no_linux(computer: Computer, platform: str, words: str) -> None:
    write(computer.root / "proc/7/comm", "ModemManager\n")
    other = replace(computer, platform=platform)
    assert words in one("port", other)[1]
    assert not about("permission", other) and not about("modemmanager", other)


def test_who_is_not_in_the_group_gets_the_command(computer: Computer) -> None:
    level, text = one("permission", computer)
    assert level == "bad" and 'run "sudo usermod -aG dialout bert"' in text
    level, text = one("permission", replace(computer, user="anna"))
    assert level == "bad" and "log out and in again" in text
    assert one("permission", replace(computer, groups=frozenset({20})))[0] == "good"
    assert not about("permission", replace(computer, uid=0))
    write(computer.root / "etc/group", "uucp:x:14:\n")
    assert "usermod -aG uucp bert" in one("permission", computer)[1]
    write(computer.root / "etc/group", "users:x:100:\n")
    assert not about("permission", computer)


def test_modem_manager_is_named_until_a_rule_keeps_it_off(computer: Computer) -> None:
    assert not about("modemmanager", computer)
    write(computer.root / "proc/self/comm", "ModemManager\n")  # no process
    write(computer.root / "proc/7/comm", "ModemManager\n")
    write(computer.root / "usr/lib/udev/rules.d/77-mm.rules", '# idVendor 10c4 1a86 ENV{ID_MM_DEVICE_IGNORE}="1"\n')
    level, text = one("modemmanager", computer)
    rule = text[text.index("ATTRS") : text.index(" into /etc/udev/rules.d/")]
    assert level == "look" and "udevadm control --reload" in text
    write(computer.root / "etc/udev/rules.d/99-bordstein.rules", rule + "\n")  # the cure, as it is printed
    assert one("modemmanager", computer)[0] == "good"


def test_brltty_is_bad_when_it_has_taken_a_board(computer: Computer) -> None:
    rule = 'ENV{PRODUCT}=="1a86/7523/*", ATTRS{idVendor}=="1a86", ENV{BRLTTY_BRAILLE_DRIVER}="bm"\n'
    write(computer.root / "lib/udev/rules.d/85-brltty.rules", "# " + rule)
    assert not about("brltty", computer)
    write(computer.root / "lib/udev/rules.d/85-brltty.rules", rule)
    assert one("brltty", computer)[0] == "look"
    write(computer.root / "sys/bus/usb/devices/1-1/idVendor", "1a86\n")
    level, text = one("brltty", computer)
    assert level == "bad" and "sudo apt remove brltty" in text
    there = replace(computer, found_ports=lambda: [Port("/dev/null", CH340)])
    assert one("brltty", there)[0] == "look"


# --- what a technician carries ---------------------------------------------------------------------------------------


def test_images_say_for_which_boards_and_a_damaged_one_is_bad(computer: Computer, tmp_path: Path) -> None:
    assert [found.level for found in about("images", computer)] == ["look"]
    name = boards.known()["esp32-c3-devkitm"]["image"]["name"]
    (tmp_path / name).write_bytes(image("esp32c3"))
    held = images.add(tmp_path / name)
    there, lacking = about("images", computer)
    assert (there.level, lacking.level) == ("good", "look")
    assert "esp32-c3-devkitm" in there.en and "esp32-devkitc" in lacking.en
    held.path.write_bytes(b"\xe9spoilt")
    spoilt, lacking = about("images", computer)
    assert (spoilt.level, lacking.level) == ("bad", "look") and str(held.path) in spoilt.en


def test_an_authority_is_looked_at_with_its_modes_its_end_and_its_list(computer: Computer) -> None:
    assert one("authority", computer)[0] == "look"
    authority = pki.create(computer.ca, "Musterstadt", b"a long passphrase", days=1000)
    authority.issue_device("24a160123456")
    assert [one("authority", computer)[0], one("keys", computer)[0]] == ["good", "good"]
    assert not about("revocation", computer)
    revocation.revoke(authority, "24a160123456")
    assert one("revocation", computer)[0] == "good"
    (computer.ca / "devices/24a160123456/device.key.der").chmod(0o644)
    level, text = one("keys", computer)
    assert level == "bad" and "chmod 600 " in text and "device.key.der" in text
    for days, level in ((700, "look"), (950, "look"), (1001, "bad")):
        later = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        aged = replace(computer, now=lambda later=later: later)
        assert one("authority", aged)[0] == level, days
        assert one("revocation", aged)[0] == ("good" if days == 700 else level), days
    (computer.ca / "ca.key.pem").unlink()
    assert [found.level for found in about("authority", computer)] == ["good", "look"]
    for name, what in (("ca.crl.pem", "revocation"), ("ca.pem", "authority")):
        (computer.ca / name).write_text("nonsense")
        assert about(what, computer)[0].level == "bad"


def test_a_key_without_a_passphrase_is_worth_a_look(computer: Computer) -> None:
    pki.create(computer.ca, "Musterstadt", None)
    assert [found.level for found in about("keys", computer)] == ["good", "look"]


def test_the_key_for_releases(computer: Computer, tmp_path: Path) -> None:
    assert one("release", computer)[0] == "look"
    computer.public.write_text("nonsense\n")
    assert one("release", computer)[0] == "bad"
    signing.create(tmp_path / "signing", None)
    assert one("release", replace(computer, public=tmp_path / "signing" / "release.pub"))[0] == "good"


def test_a_clock_that_is_behind_or_far_ahead_is_bad(computer: Computer) -> None:
    assert one("clock", computer)[0] == "good"
    for day, words in (("2001-01-01", "is behind"), ("2070-01-01", "ten years after")):
        wrong = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        level, text = one("clock", replace(computer, now=lambda wrong=wrong: wrong))
        assert level == "bad" and words in text
    pki.create(computer.ca, "Musterstadt", None)
    tomorrow = dt.datetime.now().timestamp() + 3 * 86400
    os.utime(computer.ca / "ca.pem", (tomorrow, tomorrow))
    level, text = one("clock", computer)
    assert level == "bad" and "ca.pem" in text


def test_packages_and_disk(computer: Computer) -> None:
    level, text = one("packages", replace(computer, packages=("json", "no_such_package")))
    assert level == "bad" and text.startswith("no_such_package (ModuleNotFoundError)")
    assert {found.level for found in about("disk", computer)} <= {"good", "look"}
    write(computer.root / "file", "")
    levels = [found.level for found in about("disk", replace(computer, folder=computer.root / "file"))]
    assert levels[0] == "bad"


# --- the verb --------------------------------------------------------------------------------------------------------


def test_the_verb_says_all_and_fails_when_something_is_bad(tmp_path: Path) -> None:
    done = bordstein("doctor", "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert found["fit"] is (done.returncode == 0), done.stderr
    assert {"port", "images", "authority", "release", "clock", "packages", "disk"} <= {
        one["about"] for one in found["findings"]
    }
    (tmp_path / "bordstein-ca").mkdir()
    (tmp_path / "bordstein-ca/ca.pem").write_text("nonsense")
    # What the terminal can show is asked at Python's start.
    program, env = Path(sys.executable).with_name("bordstein"), {**os.environ, "PYTHONIOENCODING": "cp1252"}
    real = subprocess.run(
        [program, "doctor"], cwd=tmp_path, env=env, capture_output=True, encoding="cp1252", timeout=60
    )
    assert real.returncode == 1 and "\nx bordstein-ca/ca.pem cannot be read" in real.stdout, real.stderr
    assert "\n✗ bordstein-ca/ca.pem ist nicht lesbar" in bordstein("doctor", folder=tmp_path, lang="de").stdout
