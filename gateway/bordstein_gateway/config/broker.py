"""Rules of a connection to a broker, the gateway's own and a target's: what goes together, files that fit."""

import ssl
from typing import Any

from ..texts import pick
from .files import no_authority, no_secret
from .words import Rule, is_here, missing


def broker_rules(broker: dict[str, Any]) -> Rule:
    """What is wrong with a target's broker; keys below its own section."""
    yield from together(broker, "cert", "key")
    yield from together(broker, "username", "password_file")
    yield ("password_file",), no_secret(broker.get("password_file"))
    if broker.get("tls") is not False:
        yield from certificates(broker)
        return
    for key in ("ca", "cert", "key"):
        if key in broker:
            yield (key,), pick("nützt nichts bei tls = false", "has no use with tls = false")
    if "password_file" in broker and not is_here(broker.get("host")):
        yield (
            ("tls",),
            pick("das Passwort ginge im Klartext durchs Netz", "the password would travel in the clear"),
        )


def together(values: Any, one: str, other: str) -> Rule:
    """Keys of which each needs the other."""
    if isinstance(values, dict) and (one in values) != (other in values):
        given, absent = (one, other) if one in values else (other, one)
        yield (given,), missing(absent, pick("die beiden gehören zusammen", "the two belong together"))


def certificates(mqtt: dict[str, Any]) -> Rule:
    """Of ca, cert and key: that TLS can be made of them."""
    said = no_authority(
        mqtt.get(
            "ca",
        )
    )
    if said:
        yield ("ca",), said
    cert, key = (
        mqtt.get(
            "cert",
        ),
        mqtt.get(
            "key",
        ),
    )
    if not isinstance(cert, str) or not isinstance(key, str):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password=lambda: b"")
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            said = pick(
                f"{key} ist nicht der Schlüssel des Zertifikats {cert}",
                f"{key} is not the key of the certificate {cert}",
            )
            yield ("key",), said
        else:
            said = pick(
                f"{cert} und {key} sind kein Zertifikat mit offenem Schlüssel in PEM",
                f"{cert} and {key} are no certificate and open key in PEM",
            )
            yield ("cert",), said
    except (OSError, ValueError) as error:
        yield ("cert",), pick(f"{cert} ist nicht brauchbar: {error}", f"{cert} can't be used: {error}")
