"""What on Linux keeps a person from a board: groups, ModemManager, brltty, a driver that is missing.

Sources: ModemManager's udev rules (ID_MM_DEVICE_IGNORE), brltty's 85-brltty.rules (takes a CH340 for a braille
display), /sys/bus/usb/devices (idVendor).
"""

from collections.abc import Iterator
from pathlib import Path

from ..board import ports
from .finding import Finding, bad, good, look

_RULE = 'ATTRS{idVendor}=="10c4|1a86|0403|303a", ENV{ID_MM_DEVICE_IGNORE}="1"'
_RULES = "/etc/udev/rules.d/99-bordstein.rules"
_RULE_FOLDERS = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")


def check(root: Path, there: list[ports.Port], user: str, uid: int, groups: frozenset[int]) -> list[Finding]:
    """root: where proc, sys, etc, usr and run lie. there: the ports that were found. The rest: who works here."""
    found = [*_modem_manager(root), *_brltty(root, there)]
    # A port that is there was tried.
    return found if there or uid == 0 else [*_group(root, user, groups), *found]


def plugged(root: Path) -> set[int]:
    """USB vendors of boards, with a port or without."""
    found = set()
    for file in (root / "sys/bus/usb/devices").glob("*/idVendor"):
        try:
            found.add(int(file.read_text(), 16))
        except (OSError, ValueError):
            continue
    return found & ports.MAKERS.keys()


def _group(root: Path, user: str, mine: frozenset[int]) -> Iterator[Finding]:
    """Whether this user may open ports, before one is plugged in."""
    groups: dict[str, tuple[int, list[str]]] = {}
    try:
        for line in (root / "etc/group").read_text(encoding="utf-8", errors="replace").splitlines():
            parts = line.split(":")
            if len(parts) == 4 and parts[2].isdigit():
                groups[parts[0]] = int(parts[2]), parts[3].split(",")
    except OSError:
        return
    name = "dialout" if "dialout" in groups else "uucp"  # Debian has both, and ports are dialout's
    if name not in groups:
        return
    number, members = groups[name]
    if number in mine:
        yield good(
            "permission",
            f"{user} ist in der Gruppe {name} und darf Anschlüsse benutzen.",
            f"{user} is in the group {name} and may use ports.",
        )
    elif user in members:
        yield bad(
            "permission",
            f"Die Gruppe {name} gilt erst nach neuem Anmelden: ab- und wieder anmelden.",
            f"the group {name} counts from the next login on: log out and in again.",
        )
    else:
        yield bad(
            "permission",
            f"{user} ist nicht in der Gruppe {name}: „sudo usermod -aG {name} {user}“ ausführen, "
            "dann ab- und wieder anmelden.",
            f'{user} is not in the group {name}: run "sudo usermod -aG {name} {user}", then log out and in again.',
        )


def _runs(root: Path, program: str) -> bool:
    for file in (root / "proc").glob("[0-9]*/comm"):
        try:
            if file.read_text().strip() == program:
                return True
        except OSError:
            continue
    return False


def _rules(root: Path) -> str:
    """All udev rules, without comments."""
    lines = []
    for folder in _RULE_FOLDERS:
        for file in sorted((root / folder).glob("*.rules")):
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            lines += [f"{file.name}: {line}" for line in text.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines)


def _modem_manager(root: Path) -> Iterator[Finding]:
    if not _runs(root, "ModemManager"):
        return
    ignored = [line for line in _rules(root).splitlines() if "ID_MM_DEVICE_IGNORE" in line]
    if all(any(f"{vendor:04x}" in line.lower() for line in ignored) for vendor in (0x10C4, 0x1A86)):
        yield good(
            "modemmanager", "ModemManager läuft und lässt Geräte in Ruhe.", "ModemManager runs and leaves boards alone."
        )
        return
    yield look(
        "modemmanager",
        f"ModemManager läuft und spricht neu eingesteckte Geräte an: die Zeile {_RULE} nach {_RULES}, dann „sudo "
        "udevadm control --reload“; oder „sudo systemctl stop ModemManager“.",
        f'ModemManager runs and talks to boards that are plugged in: put the line {_RULE} into {_RULES}, then "sudo '
        'udevadm control --reload"; or "sudo systemctl stop ModemManager".',
    )


def _brltty(root: Path, there: list[ports.Port]) -> Iterator[Finding]:
    """It takes a CH340 for a braille display; the port then vanishes a moment after it has come."""
    rules = [line for line in _rules(root).lower().splitlines() if "brltty" in line and "1a86" in line]
    if not rules:
        return
    taken = 0x1A86 in plugged(root) and not any(port.what == ports.MAKERS[0x1A86] for port in there)
    say = bad if taken else look
    yield say(
        "brltty",
        ("brltty hält das Gerät mit CH340 fest" if taken else "brltty nimmt Geräte mit CH340 für eine Braillezeile")
        + ": „sudo apt remove brltty“ ausführen, wenn hier niemand eine benutzt, und das Kabel neu einstecken.",
        ("brltty holds the board with a CH340" if taken else "brltty takes boards with a CH340 for a braille display")
        + ': run "sudo apt remove brltty", if nobody here uses one, and plug the cable in anew.',
    )
