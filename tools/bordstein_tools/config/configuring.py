"""A board's configuration over the cable: shown without its secrets, checked, and written with keys and certificates.

config.json is what makes a board one. When keys change it goes first and comes last, so that a cable that is pulled
never leaves a board that works under another's name.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..texts import Problem
from . import firmware_rules
from . import mistakes as config_mistakes

if TYPE_CHECKING:
    from ..board.cable import Cable

CONFIG = "config.json"
HIDDEN = "•••"
# What remembers a configuration that came from afar (firmware/bordstein/configstate.py).
_FROM_AFAR = ("config.state", "config.new.json")
_SECRETS = {"wifi": ("password",), "ppp": ("password", "pin")}
Ask = Callable[[str], str]
"""Gets a secret's path, such as network.wifi[0].password, and gives the secret. Problem."""


class Applied(NamedTuple):
    """written: names of files, in the order in which they went. device: the board's id."""

    device: str
    written: list[str]


def without_secrets(value: Any, below: str = "") -> Any:
    """The same configuration with its passwords and PINs hidden."""
    if isinstance(value, list):
        return [without_secrets(item, below) for item in value]
    if isinstance(value, dict):
        hidden = _SECRETS.get(below, ())
        return {key: HIDDEN if key in hidden else without_secrets(item, key) for key, item in value.items()}
    return value


def refuse(path: str) -> str:
    """An Ask where nobody can be asked."""
    raise Problem(
        f"{path} ist verborgen ({HIDDEN}), und auf dem Gerät ist dazu nichts: bitte in der Datei eintragen.",
        f"{path} is hidden ({HIDDEN}), and the board has nothing for it: write it into the file, please.",
    )


def revealed(config: Any, own: Any, ask: Ask = refuse) -> Any:
    """The same configuration with what the board has, or else is answered, for what is hidden in it.

    own: the board's configuration. The password of a Wi-Fi network is that of the same name; of one that was renamed it
    is that of the network in its place.
    """
    return _revealed(config, own, "", "", ask)


def _revealed(value: Any, own: Any, below: str, path: str, ask: Ask) -> Any:
    if isinstance(value, list):
        there = own if isinstance(own, list) else []
        return [
            _revealed(item, _matching(item, at, value, there), below, f"{path}[{at}]", ask)
            for at, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    known = own if isinstance(own, dict) else {}
    filled = {}
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if item == HIDDEN and key in _SECRETS.get(below, ()):
            filled[key] = known[key] if isinstance(known.get(key), str) else ask(here)
        else:
            filled[key] = _revealed(item, known.get(key), key, here, ask)
    return filled


def _matching(item: Any, at: int, all_of_them: list[Any], known: list[Any]) -> Any:
    def ssid(one: Any) -> Any:
        return one.get("ssid") if isinstance(one, dict) else None

    for one in known:
        if ssid(one) == ssid(item):
            return one
    named = [ssid(one) for one in all_of_them]
    return known[at] if at < len(known) and ssid(known[at]) not in named else None


def raw(cable: "Cable") -> dict[str, Any] | None:
    """The configuration there, with its secrets: not to be shown. None: none, or one that is no JSON object."""
    if not cable.exists(CONFIG):
        return None
    try:
        config = firmware_rules.parse(cable.read(CONFIG).decode())
    except (ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def on_board(cable: "Cable") -> dict[str, Any] | None:
    """The configuration there, without secrets; None: none, or one that is no JSON object."""
    config = raw(cable)
    return None if config is None else without_secrets(config)


def as_file(config: Any) -> bytes:
    """A configuration as it stands in a file."""
    return (json.dumps(config, ensure_ascii=False, indent=2) + "\n").encode()


def check(config: Any) -> None:
    """Problem with all mistakes, as the board itself would find them."""
    problems = config_mistakes.problems(config)
    if problems:
        raise Problem(
            "Die Konfiguration hat Fehler und kommt nicht auf das Gerät: " + "; ".join(problems),
            "the configuration has mistakes and does not go onto the board: " + "; ".join(problems),
        )


def apply(
    cable: "Cable",
    config: Any,
    content: bytes,
    folders: Iterable[Path],
    ask: Ask = refuse,
    keys: Mapping[str, bytes] | None = None,
) -> Applied:
    """Writes what differs. config: content, parsed; secrets that are hidden in it stay as they are on the board.
    folders: where its keys and certificates may lie; keys: those that were just made. ask: for a hidden secret that the
    board does not have.

    Problem: mistakes in it (all of them), files that are not there, keys of another board.
    """
    from ..board.cable import digest  # takes its time to load

    check(config)
    if config != (whole := revealed(config, raw(cable), ask)):
        config, content = whole, as_file(whole)
        check(config)
    device = str(cable.facts()["device"])
    names = [config["mqtt"][key] for key in ("ca", "cert", "key") if key in config["mqtt"]]
    here = {name: found.read_bytes() for name in names if (found := _find(name, device, folders))} | dict(keys or {})
    # Without a configuration nobody knows whether what lies there belongs together: a cable may have been pulled.
    settled = cable.exists(CONFIG)
    for name in names:
        if name not in here and not (settled and cable.exists(name)):
            raise Problem(
                f"{name} fehlt; «bordstein ca issue device {device}» legt es an.",
                f'{name} is missing; "bordstein ca issue device {device}" makes it.',
            )
    if _has_newer(cable, config["mqtt"], here):
        del here[config["mqtt"]["cert"]]
    wanted = {**here, CONFIG: content}
    there = cable.tree(*wanted)
    _check_identity(cable, config["mqtt"], here, device)
    differing = [name for name in wanted if name not in there or there[name].digest != digest(wanted[name])]
    if not differing:
        return Applied(device, [])
    cable.remove(*_FROM_AFAR)
    if differing != [CONFIG]:
        cable.remove(CONFIG)
    written = [name for name in differing if name != CONFIG] + [CONFIG]
    for name in written:
        cable.write(name, wanted[name])
    return Applied(device, written)


def _find(name: str, device: str, folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        for place in (folder / device / name, folder / "devices" / device / name, folder / name):
            if place.is_file():
                return place
    return None


def _has_newer(cable: "Cable", mqtt: dict[str, str], here: dict[str, bytes]) -> bool:
    """Does the board have a certificate for the same key that lasts longer? It came over its connection; the one in the
    folder may be revoked by now."""
    cert = mqtt.get("cert", "")
    if cert not in here or not cable.exists(cert):
        return False
    from cryptography import x509

    try:
        ours, theirs = map(x509.load_der_x509_certificate, (here[cert], cable.read(cert)))
    except ValueError:
        return False
    return (
        theirs.public_key() == ours.public_key()
        and theirs.subject == ours.subject
        and theirs.not_valid_after_utc > ours.not_valid_after_utc
    )


def _check_identity(cable: "Cable", mqtt: dict[str, str], here: dict[str, bytes], device: str) -> None:
    """A certificate is this board's, and its key belongs to it."""
    if "cert" not in mqtt:
        return
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    cert = here.get(mqtt["cert"]) or cable.read(mqtt["cert"])
    try:
        certificate = x509.load_der_x509_certificate(cert)
        [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    except ValueError:
        raise Problem(
            f"{mqtt['cert']} ist kein Zertifikat in DER.", f"{mqtt['cert']} is no certificate in DER."
        ) from None
    if name.value != device:
        raise Problem(
            f"{mqtt['cert']} gehört dem Gerät {name.value!s}, angeschlossen ist {device}. Nichts wurde geändert.",
            f"{mqtt['cert']} is that of device {name.value!s}, the one on the cable is {device}. Nothing was changed.",
        )
    if mqtt["key"] not in here:
        if mqtt["cert"] in here and cert != cable.read(mqtt["cert"]):
            raise Problem(
                f"Zu {mqtt['cert']} fehlt hier der Schlüssel {mqtt['key']}. Nichts wurde geändert.",
                f"the key {mqtt['key']} that belongs to {mqtt['cert']} is not here. Nothing was changed.",
            )
        return  # both stay as they are; a board's key is never read back
    try:
        public = serialization.load_der_private_key(here[mqtt["key"]], None).public_key()
    except (ValueError, TypeError):
        raise Problem(f"{mqtt['key']} ist kein Schlüssel in DER.", f"{mqtt['key']} is no key in DER.") from None
    if public != certificate.public_key():
        raise Problem(
            f"{mqtt['key']} und {mqtt['cert']} gehören nicht zusammen. Nichts wurde geändert.",
            f"{mqtt['key']} and {mqtt['cert']} do not belong together. Nothing was changed.",
        )
