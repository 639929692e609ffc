"""For the tests of errands: all the systems that a case's steps speak to, on one port, and a mail server."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.street import engine_server, ngsi_ld_server, open311_server, webhook_server
from tests.street.processes import free_port

USER, PASSWORD = "bordstein", "s3nd-it"
DESK_MAIL = "amt@musterstadt.example"
WEBHOOK_KEY = b"webhook-key-0815"


class Systems:
    """Open311, a webhook's receiver, an engine and an NGSI-LD broker, each by its own first part of the path."""

    def __init__(self, mode: str = "camunda7") -> None:
        self.open311 = open311_server.Server()
        self.webhook = webhook_server.Receiver(WEBHOOK_KEY)
        self.desk = webhook_server.Receiver(None)
        self.engine = engine_server.Server(mode)
        self.broker = ngsi_ld_server.Broker()
        self._apps = {
            "georeport": self.open311.app(),
            "events": self.webhook.app(),
            "desk": self.desk.app(),
            self.engine.base.split("/")[1]: self.engine.app(),
            "ngsi-ld": self.broker.app(),
        }
        self.keys: list[str] = []
        """Of each request that names its own: the header Idempotency-Key."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].split("/")
        for name, value in scope.get("headers", ()):
            if name == b"idempotency-key":
                self.keys.append(value.decode())
        if path[1] == "desk":
            scope = {**scope, "path": "/events", "raw_path": b"/events"}
        await self._apps[path[1]](scope, receive, send)

    def sections(self, url: str, folder: Path) -> dict[str, Any]:
        """[forward.…] for all of them; their secrets' files are made in `folder`."""
        (folder / "api-key").write_text(open311_server.API_KEY + "\n")
        (folder / "webhook-key").write_text(WEBHOOK_KEY.decode() + "\n")
        (folder / "engine-password").write_text(engine_server.PASSWORD + "\n")
        return {
            "city": {
                "kind": "open311",
                "url": url + open311_server.BASE,
                "api_key_file": str(folder / "api-key"),
                "email": "sensoren@musterstadt.example",
                "service_code": "0010",
                "timeout": 5,
            },
            "hook": {
                "kind": "webhook",
                "url": f"{url}/events",
                "secret_file": str(folder / "webhook-key"),
                "timeout": 5,
            },
            "bpm": {
                "kind": self.engine.mode,
                "url": url + self.engine.base,
                "user": engine_server.USER,
                "password_file": str(folder / "engine-password"),
                "process": engine_server.PROCESS,
                "timeout": 5,
            },
            "broker": {
                "kind": "ngsi-ld",
                "url": url,
                "contexts": ["https://example.org/v1/context.jsonld"],
                "timeout": 5,
            },
        }


class Mailbox:
    """A mail server that asks for a login where it has TLS. `fault`: what it answers in place of 250, once each."""

    def __init__(self, context: Any = None, *, starttls: bool = True) -> None:
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.faults: list[str] = []
        self.port = free_port()
        options: dict[str, Any] = {}
        if context is not None:
            options = {"auth_required": True, "authenticator": self._who}
            options |= {"tls_context": context, "require_starttls": True} if starttls else {"auth_require_tls": False}
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ssl_context=None if starttls else context, **options
        )

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def mails(self) -> list[EmailMessage]:
        """What has arrived."""
        return [message_from_bytes(raw, policy=default) for raw in self.raw]  # type: ignore[misc]

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.faults and self.faults[0].startswith("550"):
            return self.faults.pop(0)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.faults:
            return self.faults.pop(0)
        self.raw.append(bytes(envelope.original_content or b""))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    def _who(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)
