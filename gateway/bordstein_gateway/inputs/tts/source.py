"""The Things Stack v3 messages. Source: its documentation, Data Formats; what is empty, 0 or false is left out."""

from typing import Any

import msgspec

from ...boards.devices import is_eui64
from ...decode.normalise import DecodeError
from ...texts import both
from ..lorawan import FrameCount, Join, LoraSource, SessionName, Uplink, best
from ..mapping import Facts
from ..sessions import Sessions
from .settings import TheThingsStack

_UNDECODED = both(
    "The Things Stack hat die Bytes nicht dekodiert (kein decoded_payload): der Anwendung oder dem Gerät einen Uplink-"
    "Payload-Formatter geben",
    "The Things Stack has not decoded the bytes (no decoded_payload): give the application or the device an uplink "
    "payload formatter",
)


class _Application(msgspec.Struct):
    application_id: str = ""


class _Ids(msgspec.Struct):
    device_id: str = ""
    application_ids: _Application = msgspec.field(default_factory=_Application)
    dev_eui: str = ""
    dev_addr: SessionName = ""


class _Rx(msgspec.Struct):
    rssi: float | None = None
    snr: float | str | None = None


class _Settings(msgspec.Struct):
    time: str = ""


class _Version(msgspec.Struct):
    brand_id: str = ""
    model_id: str = ""


class _Uplink(msgspec.Struct):
    session_key_id: SessionName = ""
    f_port: int = 0
    f_cnt: FrameCount = 0
    frm_payload: str = ""
    decoded_payload: dict[str, Any] | None = None
    rx_metadata: list[_Rx] = []
    settings: _Settings = msgspec.field(default_factory=_Settings)
    received_at: str = ""
    version_ids: _Version = msgspec.field(default_factory=_Version)
    attributes: dict[str, str] = {}


class _Join(msgspec.Struct):
    session_key_id: SessionName = ""
    received_at: str = ""


class _Message(msgspec.Struct):
    end_device_ids: _Ids
    received_at: str = ""
    uplink_message: _Uplink | None = None
    join_accept: _Join | None = None
    simulated: bool = False


_message = msgspec.json.Decoder(_Message).decode


def build(name: str, settings: TheThingsStack, sessions: Sessions) -> LoraSource:
    """The source of one [input.…]."""
    return LoraSource(name, settings, sessions, parse, "decoded_payload.", _UNDECODED)


def parse(topic: str, payload: bytes) -> Uplink | Join | str:
    """A message by its topic v3/<application>@<tenant>/devices/<device>/<kind>; see lorawan.Parse."""
    kind = topic.partition("/devices/")[2].partition("/")[2]
    if kind not in ("up", "join"):
        first = kind.partition("/")[0]
        return first if first in ("down", "service", "location") else "other"
    message = _read(payload)
    if message.simulated:
        return "simulated"
    ids = message.end_device_ids
    device = ids.dev_eui.lower()
    if not is_eui64(device):
        raise DecodeError(
            both(
                f"das Gerät {ids.device_id} hat keine DevEUI; in The Things Stack eine eintragen",
                f"the device {ids.device_id} has no DevEUI; enter one in The Things Stack",
            )
        )
    join, up = message.join_accept, message.uplink_message
    if join is not None:
        return Join(device, join.session_key_id or ids.dev_addr, [join.received_at, message.received_at])
    if up is None:
        return "other"
    names = {
        "application": (ids.application_ids.application_id,),
        "brand": (up.version_ids.brand_id,),
        "model": (up.version_ids.model_id,),
        "device": (device, ids.device_id),
        "port": (str(up.f_port),),
    }
    signals = [(rx.rssi, rx.snr if isinstance(rx.snr, float) else None) for rx in up.rx_metadata]
    return Uplink(
        *(device, up.session_key_id or ids.dev_addr, up.f_cnt),
        times=[up.settings.time, up.received_at, message.received_at],
        fields=up.decoded_payload,
        empty=not up.frm_payload,
        facts=Facts(names, up.attributes),
        signal=best(signals),
    )


def _read(payload: bytes) -> _Message:
    try:
        return _message(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DecodeError(
            both(
                f"keine Nachricht von The Things Stack v3: {error}",
                f"no message of The Things Stack v3: {error}",
            )
        ) from None
