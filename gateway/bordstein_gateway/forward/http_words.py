"""Why a server can't be reached, in a sentence that says what to look at. Pure."""

import socket
import ssl
from collections.abc import Iterator

from ..ingest.broker_words import untrusted
from ..texts import Sentence, both, os_reason


def unreachable(name: str, error: BaseException) -> Sentence:
    """`name`: what the address is called. `error`: what the client raised; what lies behind it says more."""
    de, en = why(error)
    return both(f"{name} ist nicht erreichbar: {de}", f"{name} can't be reached: {en}")


def why(error: BaseException, option: str = "url") -> tuple[str, str]:
    """In German and English; `option`: where the address stands."""
    causes = list(_causes(error))
    de, en = next(filter(None, map(_known, causes)), None) or _other(causes)
    return de.replace("url", option), en.replace("url", option)


def _known(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        german, english = untrusted(error)
        return (
            f"seinem Zertifikat ist nicht zu trauen ({german}); ca und den Rechnernamen in der url prüfen",
            f"its certificate can't be trusted ({english}); look at ca and at the host in the url",
        )
    if isinstance(error, ssl.SSLError):
        why = (error.reason or str(error)).replace("_", " ").lower()
        return (
            f"TLS kam nicht zustande ({why}); spricht der Port in der url https?",
            f"TLS failed ({why}); does the port in the url speak https?",
        )
    if isinstance(error, socket.gaierror):
        return (
            "der Rechnername ist nicht bekannt; die url und den Nameserver prüfen",
            "the host's name is not known; look at the url and the name server",
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            "dort nimmt niemand Verbindungen an; läuft der Dienst? Sonst die url und die Firewall prüfen",
            "nobody listens there; is the service running? Else look at the url and the firewall",
        )
    return None


def _other(causes: list[BaseException]) -> tuple[str, str]:
    system = next((cause for cause in causes if isinstance(cause, OSError) and cause.errno), None)
    if system is not None:
        de, en = os_reason(system), system.strerror or str(system)
    elif any("timeout" in type(cause).__name__.lower() for cause in causes):
        de, en = "keine Antwort", "no answer"
    else:
        de = en = str(causes[0]) or type(causes[0]).__name__
    return f"{de}; die url und die Firewall prüfen", f"{en}; look at the url and the firewall"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__
