"""The servers of a virtual street, for tests and demonstration: the town's keys, Mosquitto, the gateway.

    town = Town(folder)                      # authority, and certificates as they are asked for
    with Mosquitto(town) as broker, Gateway(town, broker) as gateway:
        ...
        broker.kill(); broker.start()        # SIGKILL; back on the same port with the same persistence

start() returns when the server answers.
"""

import contextlib
import getpass
import json
import re
import shutil
import socket
import ssl
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from bordstein_gateway.forward.events import links
from bordstein_gateway.store import Store, Where
from bordstein_tools.keys import pki
from tests.street.processes import NotReady, Process, free_port

GATEWAY_USER = "bordstein-gateway"

# The shipped configuration, with these lines put right for a run without root in a folder of its own.
SHIPPED = files("bordstein_gateway") / "mosquitto"


class Town:
    """A folder with an authority and the certificates it signed; each is made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = pki.create(folder / "ca", "Musterstadt", None)
        self._issued: dict[str, pki.Issued] = {}

    def broker(self, *hosts: str) -> pki.Issued:
        hosts = hosts or ("localhost", "127.0.0.1")
        return self._once("broker " + " ".join(hosts), lambda: self.authority.issue_broker(hosts))

    def gateway(self, name: str = GATEWAY_USER) -> pki.Issued:
        return self._once(name, lambda: self.authority.issue_gateway(name))

    def device(self, device: str) -> pki.Issued:
        return self._once(device, lambda: self.authority.issue_device(device))

    def context(self, issued: pki.Issued) -> ssl.SSLContext:
        """A client's TLS context with this certificate, for paho and for plain sockets."""
        context = ssl.create_default_context(cafile=self.authority.directory / "ca.pem")
        context.load_cert_chain(issued.certificate, issued.key)
        return context

    def _once(self, name: str, issue: Any) -> pki.Issued:
        if name not in self._issued:
            self._issued[name] = issue()
        return self._issued[name]


def _adapted(conf: str, **lines: object) -> str:
    """A Mosquitto configuration with other values in some of its lines; each of them has to be there once."""
    for option, value in lines.items():
        conf, found = re.subn(rf"(?m)^{option} .*$", lambda _, line=f"{option} {value}": line, conf)
        assert found == 1, f"mosquitto.conf has {found} lines with {option}"
    return conf


def mosquitto_path() -> str:
    """The broker's program; Debian puts it into /usr/sbin, which is not on every user's PATH."""
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise NotReady("mosquitto is not installed; run make setup, or: sudo apt-get install mosquitto")
    return path


class Mosquitto(Process):
    """A real broker with TLS, client certificates, the access list and persistence, on a port of its own."""

    def __init__(
        self, town: Town, *, folder: Path | None = None, server: pki.Issued | None = None, revoked: Path | None = None
    ) -> None:
        self.town = town
        self.host = "localhost"
        self.port = free_port()
        folder = folder or town.folder / "broker"
        persistence = folder / "persistence"
        persistence.mkdir(parents=True)
        server = server or town.broker()
        acl = folder / "acl"
        acl.write_text((SHIPPED / "bordstein.acl").read_text())
        acl.chmod(0o600)
        conf = folder / "mosquitto.conf"
        conf.write_text(
            _adapted(
                (SHIPPED / "mosquitto.conf").read_text(),
                listener=f"{self.port} 127.0.0.1",
                cafile=town.authority.directory / "ca.pem",
                certfile=server.certificate,
                keyfile=server.key,
                acl_file=acl,
                persistence_location=f"{persistence}/",
                log_dest="stderr",
            )
            + f"user {getpass.getuser()}\n"
            + (f"crlfile {revoked}\n" if revoked else "")
        )
        super().__init__("mosquitto", [mosquitto_path(), "-c", conf], folder / "mosquitto.log")

    def start(self) -> None:
        super().start()
        self.wait_ready(self._answers, 20)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


class Gateway(Process):
    """The gateway as it is run in a town hall: its own process, configuration in TOML, READY=1 over sd_notify."""

    def __init__(
        self,
        town: Town,
        broker: Mosquitto,
        *,
        forward: Mapping[str, Mapping[str, Any]] | None = None,
        devices: list[Mapping[str, Any]] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        folder: Path | None = None,
    ) -> None:
        folder = folder or town.folder / "gateway"
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.store = self.data / "bordstein.sqlite"
        self.port = (settings or {}).get("http", {}).get("port") or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        client = town.gateway()
        sections: dict[str, dict[str, Any]] = {
            "gateway": {"name": "musterstadt", "data": str(self.data)},
            "mqtt": {
                "host": broker.host,
                "port": broker.port,
                "client_id": GATEWAY_USER,
                "ca": str(client.ca),
                "cert": str(client.certificate),
                "key": str(client.key),
            },
            "http": {"host": "127.0.0.1", "port": self.port},
        }
        for name, values in (settings or {}).items():
            sections.setdefault(name, {}).update(values)
        self.config = folder / "gateway.toml"
        self.config.write_text(_toml(sections, devices or [], forward or {}))
        # An abstract socket: a path would have to be short, and pytest's folders are not.
        self._notify = f"@bordstein-{uuid.uuid4().hex}"
        program = Path(sys.executable).with_name("bordstein-gateway")
        super().__init__(
            "gateway",
            [program, "run", "--config", self.config],
            folder / "gateway.log",
            {"NOTIFY_SOCKET": self._notify},
        )

    def start(self, wait: bool = True) -> None:
        """wait=False: come back at once, as when systemd starts it again while the broker may be down, too."""
        if not wait:
            super().start()
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
            listener.bind("\0" + self._notify[1:])
            super().start()
            said = bytearray()

            def ready() -> bool:
                with contextlib.suppress(BlockingIOError):
                    said.extend(listener.recv(4096) + b"\n")
                return b"READY=1" in said

            self.wait_ready(ready, 30)

    def stored(self) -> dict[tuple[str, str, int], Any]:
        """(device, series, milliseconds) -> value of all readings in the store, without the boards' health."""
        return self.stored_in(self.store) if self.store.exists() else {}

    def stored_in(self, place: Where) -> dict[tuple[str, str, int], Any]:
        """The same, of a store somewhere else."""
        found: dict[tuple[str, str, int], Any] = {}
        store = Store.open(place)
        try:
            last = 0
            while rows := store.readings_after(last, 10_000):
                last = rows[-1].id
                for row in rows:
                    if not row.series.startswith("health/"):
                        found[row.device, row.series, row.time] = row.value
        finally:
            store.close()
        return found

    def links(self, forwarder: str) -> list[dict[str, Any]]:
        """The cases that a target of events was told of, or has to be."""
        with contextlib.closing(Store.open(self.store)) as store:
            return links(store, forwarder)

    def health(self) -> tuple[int, list[str]]:
        """What /healthz says: its code and the problems."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
                return 200, json.load(answer)["problems"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["problems"]

    def get(self, path: str) -> Any:
        """An answer of the gateway's own pages, JSON decoded where it is JSON."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            body = answer.read().decode()
        return json.loads(body) if "json" in answer.headers.get("Content-Type", "") else body


def _toml(
    sections: Mapping[str, Mapping[str, Any]],
    devices: list[Mapping[str, Any]],
    forward: Mapping[str, Mapping[str, Any]],
) -> str:
    lines = []
    tables = [(f"[{name}]", values) for name, values in sections.items()]
    tables += [("[[device]]", device) for device in devices]
    tables += [(f"[forward.{name}]", values) for name, values in forward.items()]
    for head, values in tables:
        lines.append(head)
        # JSON's strings, numbers, booleans and lists of them are TOML's too; a table in a table is written inline.
        lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
