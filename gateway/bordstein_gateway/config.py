"""The gateway's configuration: what gateway.toml may say.

    load(path)              Config, or ConfigError with all mistakes, each with file, line and key
    problems(path)          the mistakes alone, for `bordstein-gateway check`

Names of files in the configuration: ${NAME} is an environment variable; a relative name is looked for among systemd's
credentials first, then beside the configuration. After load() they are absolute.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .config_check import ConfigError, checked
from .config_files import secret

__all__ = ["Config", "ConfigError", "Forward", "SensorThings", "Webhook", "load", "problems"]


def _like(pattern: str, de: str, en: str, **marks: str) -> Meta:
    """Text of this pattern, whole, and what is expected in words. `$` would let a line end pass; \\Z does not."""
    return Meta(pattern=rf"\A(?:{pattern})\Z", extra={"de": de, "en": en, **marks})


_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+"
_TEXT = ("Text in Anführungszeichen, in einer Zeile und nicht leer", "text in quotes, of one line and not empty")
_FILE = ("der Name einer Datei", "the name of a file")

Text = Annotated[str, _like(_LINE, *_TEXT)]
File = Annotated[str, _like(_LINE, *_FILE, **{"is": "file"})]
Secret = Annotated[str, _like(_LINE, *_FILE, **{"is": "secret"})]
Host = Annotated[
    str,
    _like(
        _LINE,
        "ein Rechnername oder eine IP-Adresse, wie mqtt.musterstadt.de",
        "a host name or an IP address, as in mqtt.musterstadt.de",
        **{"is": "host"},
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]
DeviceId = Annotated[
    str,
    _like(
        "[0-9a-f]{12}",
        "12 Hexadezimalziffern in Kleinschreibung, wie 24a160123456",
        "12 lower-case hex digits, as in 24a160123456",
    ),
]
Url = Annotated[
    str,
    _like(
        r"https?://[^\s\x00-\x1f\x7f]+",
        "eine Adresse, die mit https:// oder http:// beginnt",
        "an address that begins with https:// or http://",
    ),
]
Topic = Annotated[
    str,
    _like(
        r"[^#+/\x00-\x1f\x7f]+(?:/[^#+/\x00-\x1f\x7f]+)*",
        "Topic-Ebenen ohne # und +",
        "topic levels without # and +",
    ),
]
Name = Annotated[
    str,
    _like("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "nur Buchstaben, Ziffern und -_.", "letters, digits and -_. only"),
]
Uri = Annotated[
    str,
    _like(
        r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+",
        "eine URI, wie urn:bordstein:gateway",
        "a URI, as in urn:bordstein:gateway",
    ),
]
PropertyName = Annotated[str, Meta(extra={"is": "property"})]


class _Section(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Gateway(_Section, kw_only=True):
    """[gateway]: `name` of this gateway in events and on pages, `data`: the folder that holds the store."""

    name: Name = "bordstein"
    data: Text = "/var/lib/bordstein"


class Mqtt(_Section, kw_only=True):
    """[mqtt]: the broker. `protocol` 4 (3.1.1) or 5, `session_expiry` and `keepalive` in seconds.

    `receive_maximum`: messages the broker sends before the gateway has stored and acknowledged them.
    """

    host: Host
    port: Port = 8883
    client_id: Name = "bordstein-gateway"
    tls: bool = True
    ca: File | None = None
    cert: File | None = None
    key: Secret | None = None
    username: Text | None = None
    password_file: Secret | None = None
    protocol: Literal[5, 4] = 4
    session_expiry: Annotated[int, Meta(ge=3600, le=4_294_967_294)] = 2_592_000
    receive_maximum: Annotated[int, Meta(ge=20, le=65_535)] = 2000
    keepalive: Annotated[int, Meta(ge=5, le=3600)] = 60
    topic: Topic = "bordstein/v1"


class Store(_Section, kw_only=True):
    """[store]: `path` of the SQLite file (bordstein.sqlite in the data folder); a commit takes up to `commit_packs`
    packs or what came within `commit_ms` milliseconds."""

    path: Text | None = None
    commit_packs: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    commit_ms: Annotated[int, Meta(ge=1, le=1000)] = 20


class Http(_Section, kw_only=True):
    """[http]: where the start page, /api, /metrics and /healthz are served. `register_token_file`: the bearer token
    with which `bordstein setup` may enter boards; without it nobody may."""

    host: Host = "127.0.0.1"
    port: Port = 8080
    register_token_file: Secret | None = None


class Log(_Section, kw_only=True):
    """[log]: `format` auto is console on a terminal, JSON otherwise."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Device(_Section, kw_only=True):
    """[[device]]: what is known about a board beside its readings. WGS 84 degrees. `groups`: for releases."""

    id: DeviceId
    name: Text | None = None
    description: str | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    groups: list[Name] = []


class Forward(_Section, kw_only=True):
    """[forward.<name>]: one town system. `user` with `password_file` is HTTP Basic, `token_file` a bearer token.

    `headers` go with each request; `header_files`: header, and the file that holds its secret value. `properties`,
    `devices`: only these (all when empty). `batch`: readings a request. `max_age` in hours: what is older is not sent
    (0: all is). `timeout`: seconds for one request, from connecting to its answer's end. `ca`: an authority beside the
    system's.
    """

    url: Url = ""
    user: Text | None = None
    password_file: Secret | None = None
    token_file: Secret | None = None
    ca: File | None = None
    headers: dict[str, str] = {}
    header_files: dict[str, Secret] = {}
    properties: list[PropertyName] = []
    devices: list[DeviceId] = []
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 500
    max_age: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30


class SensorThings(Forward, kw_only=True, tag_field="kind", tag="sensorthings"):
    """`url` with the version, as in https://host/FROST-Server/v1.1. `members`: added to each Thing that is created."""

    members: dict[str, Any] = {}
    language: Literal["de", "en"] = "de"


class Webhook(Forward, kw_only=True, tag_field="kind", tag="webhook"):
    """CloudEvents 1.0. `url_file`: the file with the address, in place of `url` where a part of it is secret.

    `secret_file`: the key of the HMAC signature. `source`: the events' source, a URI.
    """

    url_file: Secret | None = None
    secret_file: Secret | None = None
    source: Uri | None = None


class Config(_Section, kw_only=True):
    """All of gateway.toml."""

    gateway: Gateway = msgspec.field(default_factory=Gateway)
    mqtt: Mqtt
    store: Store = msgspec.field(default_factory=Store)
    http: Http = msgspec.field(default_factory=Http)
    log: Log = msgspec.field(default_factory=Log)
    devices: list[Device] = msgspec.field(name="device", default_factory=list)
    forward: dict[Name, SensorThings | Webhook] = {}

    @property
    def store_path(self) -> Path:
        """The store's file."""
        return Path(self.store.path) if self.store.path else Path(self.gateway.data) / "bordstein.sqlite"

    @property
    def releases_path(self) -> Path:
        """The folder with the packs that were published."""
        return Path(self.gateway.data) / "releases"

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret."""
        files = [self.mqtt.key, self.mqtt.password_file, self.http.register_token_file]
        for target in self.forward.values():
            files += [target.password_file, target.token_file, *target.header_files.values()]
            files += [target.url_file, target.secret_file] if isinstance(target, Webhook) else []
        return [file for file in files if file is not None]


def load(path: Path | str) -> Config:
    """The configuration in a file; ConfigError lists all its mistakes."""
    values, found = checked(Path(path), Config)
    if found:
        raise ConfigError(found)
    config = msgspec.convert(values, Config)
    for target in config.forward.values():
        if isinstance(target, Webhook) and target.url_file is not None:
            target.url = secret(target.url_file)
    return config


def problems(path: Path | str) -> list[str]:
    """All mistakes in a configuration, in the order of its lines."""
    return checked(Path(path), Config)[1]
