"""A case's step, or a notice, as a mail to a desk: plain text, by SMTP (RFC 5321) with TLS (RFC 8314, RFC 3207).

A mail server can't be asked what it has. So the Message-ID is made of the errand's key and when it was made (a store
that is begun anew counts its cases anew): mail systems show a mail that comes twice with the same Message-ID once.
Auto-Submitted (RFC 3834) keeps absence notes from answering.
"""

import asyncio
import hashlib
import smtplib
import socket
import ssl
import textwrap
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from typing import Any

from ..config.config import Config
from ..config.files import secret
from ..config.office import MailServer
from ..forward.target import NotTaken, Retry
from ..store.errands import Due
from ..texts import both
from .kind import about, fields

TIMEOUT_S = 30
_WIDTH = 76
_SUBJECT = 200


class Mails:
    """One server, for all desks. Fields: subject, body."""

    def __init__(self, config: Config) -> None:
        self._config = config
        # Of its own: servers that do not answer would take the few threads that pages and rules share.
        self._thread = ThreadPoolExecutor(1, "mail")

    async def call(self, errand: Due) -> Mapping[str, Any]:
        """See Kind: `id`, the Message-ID."""
        server, desk = self._config.mail, self._config.desk.get(errand.target)
        if server is None:
            raise NotTaken(both("[mail] fehlt in gateway.toml", "[mail] is missing in gateway.toml"))
        if desk is None or desk.mail is None:
            raise NotTaken(both(f"[desk.{errand.target}] hat keine mail", f"[desk.{errand.target}] has no mail"))
        message = composed(errand, self._config.gateway.name, server.sender, desk.mail, self._config.town.name)
        await asyncio.get_running_loop().run_in_executor(self._thread, _send, server, message)
        return {"id": message["message-id"]}

    async def close(self) -> None:
        """Each mail has its own connection; one that is being sent is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def composed(errand: Due, gateway: str, sender: str, to: str, town: str) -> EmailMessage:
    """The mail; nothing that a template was filled with becomes a header of its own."""
    said, case = fields(errand), about(errand)
    subject = said.get("subject") or f"{case.get('title', 'Vorgang')}: {case.get('place', '')}"
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((f"Bordstein {_line(town)}", sender))
    message["To"] = to
    message["Subject"] = _line(str(subject))[:_SUBJECT]
    message["Date"] = formatdate(errand.made / 1000)
    known = hashlib.sha256(f"{gateway} {errand.key}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{known}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_wrapped(str(said.get("body") or "")), cte="quoted-printable")
    return message


def _line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _wrapped(text: str) -> str:
    lines = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(lines) + "\n"


def _send(server: MailServer, message: EmailMessage) -> None:
    where = f"{server.host}:{server.port}"
    try:
        with _connected(server) as smtp:
            if server.user is not None and server.password_file is not None:
                smtp.login(server.user, secret(server.password_file))
            smtp.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise Retry(
            both(
                f"{where} lässt das Gateway nicht ein ({error.smtp_code}); user und password_file in [mail] prüfen",
                f"{where} does not let the gateway in ({error.smtp_code}); check user and password_file in [mail]",
            )
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        for refusal in error.recipients.values():
            _judge(where, *refusal)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        _judge(where, error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError:
        raise Retry(
            both(
                f"{where} kann kein STARTTLS oder keine Anmeldung; tls in [mail] prüfen",
                f"{where} has no STARTTLS or no login; check tls in [mail]",
            )
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise Retry(
            both(
                f"{where}: das Zertifikat gilt nicht ({error.verify_message}); ca in [mail] prüfen",
                f"{where}: the certificate is not valid ({error.verify_message}); check ca in [mail]",
            )
        ) from None
    except (smtplib.SMTPException, TimeoutError, socket.gaierror, OSError) as error:
        why = type(error).__name__
        raise Retry(
            both(f"{where} ist nicht zu erreichen ({why})", f"{where} can't be reached ({why})"), unclear=True
        ) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.ca is not None:
        context.load_verify_locations(server.ca)
    if server.tls == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    if server.tls == "starttls":
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
    return smtp


def _judge(where: str, code: int, why: bytes | str) -> None:
    """4xx passes, 5xx stays (RFC 5321 section 4.2.1)."""
    text = " ".join((why.decode("utf-8", "replace") if isinstance(why, bytes) else why).split())[:200]
    if 500 <= code < 600:
        raise NotTaken(both(f"{where} lehnt die Mail ab ({code} {text})", f"{where} refuses the mail ({code} {text})"))
    raise Retry(
        both(
            f"{where} nimmt die Mail noch nicht ({code} {text})", f"{where} does not take the mail yet ({code} {text})"
        )
    )
