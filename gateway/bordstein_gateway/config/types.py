"""The types of which gateway.toml's sections are made, and what every [forward.…] has, whatever its kind."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ..boards import devices


def like(pattern: str, de: str, en: str, **marks: str) -> Meta:
    """Text of this pattern, whole, and what is expected in words. `$` would let a line end pass; \\Z does not."""
    return Meta(pattern=rf"\A(?:{pattern})\Z", extra={"de": de, "en": en, **marks})


_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+"
_TEXT = ("Text in Anführungszeichen, in einer Zeile und nicht leer", "text in quotes, of one line and not empty")
_FILE = ("der Name einer Datei", "the name of a file")

Text = Annotated[str, like(_LINE, *_TEXT)]
File = Annotated[str, like(_LINE, *_FILE, **{"is": "file"})]
Secret = Annotated[str, like(_LINE, *_FILE, **{"is": "secret"})]
Host = Annotated[
    str,
    like(
        _LINE,
        "ein Rechnername oder eine IP-Adresse, wie mqtt.musterstadt.de",
        "a host name or an IP address, as in mqtt.musterstadt.de",
        **{"is": "host"},
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]
DeviceId = Annotated[str, like(devices.FORMS, devices.DE, devices.EN)]
Url = Annotated[
    str,
    like(
        r"https?://[^\s\x00-\x1f\x7f]+",
        "eine Adresse, die mit https:// oder http:// beginnt",
        "an address that begins with https:// or http://",
    ),
]
Topic = Annotated[
    str,
    like(
        r"[^#+/\x00-\x1f\x7f]+(?:/[^#+/\x00-\x1f\x7f]+)*",
        "Topic-Ebenen ohne # und +",
        "topic levels without # and +",
    ),
]
Name = Annotated[
    str,
    like("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "nur Buchstaben, Ziffern und -_.", "letters, digits and -_. only"),
]
Uri = Annotated[
    str,
    like(
        r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+",
        "eine URI, wie urn:bordstein:gateway",
        "a URI, as in urn:bordstein:gateway",
    ),
]
PropertyName = Annotated[str, Meta(extra={"is": "property"})]
Duration = Annotated[
    str,
    like(
        "[1-9][0-9]{0,5}[smhd]",
        'eine Dauer, wie "90s", "10m", "2h" oder "1d"',
        'a time like "90s", "10m", "2h" or "1d"',
    ),
]
"""For durations.seconds()."""


class Section(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Forward(Section, kw_only=True):
    """[forward.<name>]: one town system. `properties`, `devices`: only these (all when empty). `batch`: readings at
    once. `max_age` in hours: what is older is not sent (0: all is). `timeout`: seconds for one request, from connecting
    to its answer's end. `newest_first`: after a standstill the newest readings go out first, and what lies between in a
    lane of its own, `backfill_rate` readings a second (0: as fast as it goes) when nothing newer waits.
    """

    properties: list[PropertyName] = []
    devices: list[DeviceId] = []
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 500
    max_age: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30
    newest_first: bool = False
    backfill_rate: Annotated[int, Meta(ge=0, le=100_000)] = 0

    def wants(self, device: str, series: str, property: str) -> bool:
        """Whether such readings are for this target at all."""
        # A board's own state is for the gateway's page, unless it is named.
        return self.chooses(device, property) and (bool(self.properties) or not series.startswith("health/"))

    def chooses(self, device: str, property: str) -> bool:
        """Whether `devices` and `properties` leave them in."""
        return device in (self.devices or [device]) and property in (self.properties or [property])

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of this target."""
        named = [getattr(self, field) for field in self.__struct_fields__ if field.endswith("_file")]
        return [file for file in named if file is not None]


class OAuth2(Section, kw_only=True):
    """[forward.<name>.oauth2]: bearer tokens by OAuth2 client credentials (RFC 6749 section 4.4).

    `credentials`: whether id and secret go to the token endpoint by HTTP Basic or in the form.
    """

    token_url: Url
    client_id: Text
    client_secret_file: Secret
    scope: Text | None = None
    audience: Text | None = None
    credentials: Literal["basic", "body"] = "basic"


class HttpForward(Forward, kw_only=True):
    """A target that is reached by HTTP. `user` with `password_file` is HTTP Basic, `token_file` a bearer token, which
    `oauth2` fetches and renews by itself.

    `headers` go with each request; `header_files`: header, and the file that holds its secret value. `ca`: an authority
    beside the system's.
    """

    url: Url = ""
    user: Text | None = None
    password_file: Secret | None = None
    token_file: Secret | None = None
    oauth2: OAuth2 | None = None
    ca: File | None = None
    headers: dict[str, str] = {}
    header_files: dict[str, Secret] = {}

    @property
    def shown(self) -> str:
        """The address as people may see it: without its query."""
        return without_query(self.url)

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of this target."""
        fetching = [self.oauth2.client_secret_file] if self.oauth2 else []
        return [*super().secret_files, *fetching, *self.header_files.values()]


def folder_of(kind: type[Section]) -> str:
    """Where a kind of target lies below forward/, or a kind of input below inputs/."""
    return str(kind.__struct_config__.tag).replace("-", "_")


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def without_query(url: str) -> str:
    """And the path."""
    return origin(url) + urlsplit(url).path
