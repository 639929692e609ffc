"""The gateway's configuration: what gateway.toml may say.

    load(path)              Config, or ConfigError with all mistakes, each with file, line and key
    problems(path)          the mistakes alone, for `bordstein-gateway check`

Names of files in the configuration: ${NAME} is an environment variable; a relative name is looked for among systemd's
credentials first, then beside the configuration. After load() they are absolute.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..forward.camunda7.settings import Camunda7
from ..forward.cap.settings import Cap
from ..forward.flowable.settings import Flowable
from ..forward.mqtt.settings import MqttForward
from ..forward.ngsi_ld.settings import NgsiLd
from ..forward.open311.settings import Open311
from ..forward.opensensemap.settings import OpenSenseMap
from ..forward.postgresql.settings import PostgreSQL
from ..forward.sensor_community.settings import SensorCommunity
from ..forward.sensorthings.settings import SensorThings
from ..forward.webhook.settings import Webhook
from ..inputs.chirpstack.settings import ChirpStack
from ..inputs.esphome.settings import EspHome
from ..inputs.tasmota.settings import Tasmota
from ..inputs.tts.settings import TheThingsStack
from ..store.where import Postgres, Where
from .check import ConfigError, checked
from .files import secret
from .office import Desk, MailServer, Pages, Rules, Town
from .open_data import Publish
from .parking import Parking
from .store import PropertyOrDefault, Retention, Store
from .types import DeviceId, File, Host, Name, Port, Secret, Section, Text, Topic

__all__ = [
    "Camunda7",
    "Cap",
    "Config",
    "ConfigError",
    "Flowable",
    "MqttForward",
    "NgsiLd",
    "Open311",
    "OpenSenseMap",
    "PostgreSQL",
    "SensorCommunity",
    "SensorThings",
    "Webhook",
    "load",
    "problems",
]

AnyForward = (
    SensorThings
    | MqttForward
    | NgsiLd
    | Open311
    | Camunda7
    | Flowable
    | Webhook
    | Cap
    | OpenSenseMap
    | SensorCommunity
    | PostgreSQL
)
"""Every kind there is."""
AnyInput = ChirpStack | TheThingsStack | Tasmota | EspHome
"""Every kind there is."""


class Gateway(Section, kw_only=True):
    """[gateway]: `name` of this gateway in events and on pages, `data`: the folder that holds the store."""

    name: Name = "bordstein"
    data: Text = "/var/lib/bordstein"


class Mqtt(Section, kw_only=True):
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


class Http(Section, kw_only=True):
    """[http]: where the start page, /api, /metrics and /healthz are served. `register_token_file`: the bearer token
    with which `bordstein setup` may enter boards; without it nobody may. `readers_file`, `reader_token_file`: names
    and passwords, or a bearer token, of those who may see what is not public."""

    host: Host = "127.0.0.1"
    port: Port = 8080
    register_token_file: Secret | None = None
    readers_file: Secret | None = None
    reader_token_file: Secret | None = None


class SensorThingsApi(Section, kw_only=True):
    """[sensorthings_api]: what is served at /v1.1/. `mqtt`: new Observations are published at the broker, too;
    `retain`: it keeps each Datastream's last one."""

    language: Literal["de", "en"] = "de"
    mqtt: bool = False
    retain: bool = False


class Log(Section, kw_only=True):
    """[log]: `format` auto is console on a terminal, JSON otherwise."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Device(Section, kw_only=True):
    """[[device]]: what is known about a board beside its readings. WGS 84 degrees. `groups`: for releases."""

    id: DeviceId
    name: Text | None = None
    description: str | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    groups: list[Name] = []


class Config(Section, kw_only=True):
    """All of gateway.toml."""

    gateway: Gateway = msgspec.field(default_factory=Gateway)
    mqtt: Mqtt
    store: Store = msgspec.field(default_factory=Store)
    retention: dict[PropertyOrDefault, Retention] = {}
    http: Http = msgspec.field(default_factory=Http)
    log: Log = msgspec.field(default_factory=Log)
    sensorthings_api: SensorThingsApi = msgspec.field(default_factory=SensorThingsApi)
    devices: list[Device] = msgspec.field(name="device", default_factory=list)
    input: dict[Name, AnyInput] = {}
    forward: dict[Name, AnyForward] = {}
    publish: Publish | None = None
    parking: Parking = msgspec.field(default_factory=Parking)
    town: Town = msgspec.field(default_factory=Town)
    desk: dict[Name, Desk] = {}
    rules: Rules = msgspec.field(default_factory=Rules)
    mail: MailServer | None = None
    pages: Pages = msgspec.field(default_factory=Pages)

    @property
    def store_path(self) -> Path:
        """The store's file, where it is one."""
        return Path(self.store.path) if self.store.path else Path(self.gateway.data) / "bordstein.sqlite"

    @property
    def store_place(self) -> Where:
        """Where the store is: its file, or a PostgreSQL database."""
        return Postgres(self.store.url, self.store.password_file) if self.store.url else self.store_path

    @property
    def releases_path(self) -> Path:
        """The folder with the packs that were published."""
        return Path(self.gateway.data) / "releases"

    @property
    def rules_path(self) -> Path:
        """The folder with the rule sheets."""
        return Path(self.rules.folder) if self.rules.folder else Path(self.gateway.data) / "rules"

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret."""
        http = self.http
        files = [self.mqtt.key, self.mqtt.password_file, self.store.password_file]
        files += [http.register_token_file, http.readers_file, http.reader_token_file]
        files += [self.mail.password_file] if self.mail else []
        files += [self.pages.oidc.client_secret_file] if self.pages.oidc else []
        files += [desk.webhook_file for desk in self.desk.values()]
        forwards = [file for target in self.forward.values() for file in target.secret_files]
        return [file for file in files if file is not None] + forwards


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
