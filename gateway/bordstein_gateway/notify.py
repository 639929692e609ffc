"""Tells systemd how the service is: READY=1, WATCHDOG=1, STATUS=…, STOPPING=1 as datagrams. Source: sd_notify(3).

Without NOTIFY_SOCKET in the environment nothing is sent and nothing fails.
"""

import os
import socket


def notify(*lines: str) -> bool:
    """Sends lines such as "READY=1"; False when nobody listens. Never raises and never waits."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not lines:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket: a name without a file
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            sender.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def ready(status: str = "") -> bool:
    """The service does its work."""
    return notify("READY=1", *_status(status))


def stopping(status: str = "") -> bool:
    """The service was asked to stop and is about to."""
    return notify("STOPPING=1", *_status(status))


def alive(status: str = "") -> bool:
    """Feeds the watchdog: only to be called while every part is known to work."""
    return notify("WATCHDOG=1", *_status(status))


def watchdog_seconds() -> float | None:
    """How often alive() has to be called: half of WatchdogSec=; None when no watchdog watches this process."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    process = os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000


def _status(status: str) -> list[str]:
    return [f"STATUS={' '.join(status.split())}"] if status else []
