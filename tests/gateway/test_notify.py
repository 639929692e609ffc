import os
import socket
from pathlib import Path

import pytest

from bordstein_gateway import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_each_word(abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"bordstein-test-{os.getpid()}"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name}" if abstract else name)
        systemd.settimeout(5)
        # A Unix socket's path has room for 107 bytes; pytest's folders can be longer, /proc/self/cwd is not.
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else f"/proc/self/cwd/{name}")
        assert notify.ready("8 boards\nseen")
        assert systemd.recv(1024) == b"READY=1\nSTATUS=8 boards seen"
        assert notify.alive()
        assert systemd.recv(1024) == b"WATCHDOG=1"
        assert notify.stopping("bye")
        assert systemd.recv(1024) == b"STOPPING=1\nSTATUS=bye"


def test_without_systemd_nothing_is_sent_and_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notify.ready()
    for address in (str(tmp_path / "nobody"), "", "relative", "vsock:2:1234", "@" + "x" * 200):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert not notify.alive("x")


@pytest.mark.parametrize(
    ("microseconds", "process", "seconds"),
    [
        ("60000000", None, 30.0),
        ("60000000", "own", 30.0),
        ("60000000", "1", None),
        ("0", None, None),
        ("x", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_wants_food_twice_in_its_time(
    microseconds: str | None, process: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = str(os.getpid()) if process == "own" else process
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", process)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert notify.watchdog_seconds() == seconds
