"""ChirpStack v4 events. Source: api/proto/integration/integration.proto of ChirpStack 4, as proto3 JSON, which leaves
out what is zero, false or empty: fCnt and fPort that are not there are 0."""

from typing import Any

import msgspec

from ...boards.devices import is_eui64
from ...decode.normalise import DecodeError
from ...texts import both
from ..lorawan import FrameCount, Join, LoraSource, SessionName, Uplink, best
from ..mapping import Facts
from ..sessions import Sessions
from .settings import ChirpStack

_OLD = ("devEUI", "objectJSON", "applicationID", "gatewayID")
_UNDECODED = both(
    "ChirpStack hat die Bytes nicht dekodiert (kein object): im Geräteprofil unter Codec einen JavaScript-Decoder "
    "eintragen",
    "ChirpStack has not decoded the bytes (no object): enter a JavaScript codec in the device profile",
)


class _Device(msgspec.Struct, rename="camel"):
    application_id: str = ""
    application_name: str = ""
    device_profile_id: str = ""
    device_profile_name: str = ""
    device_name: str = ""
    dev_eui: str = ""
    tags: dict[str, str] = {}


class _Rx(msgspec.Struct, rename="camel"):
    rssi: float = 0.0
    snr: float | str = 0.0  # "NaN" and "Infinity" are texts
    ns_time: str = ""


class _Event(msgspec.Struct, rename="camel"):
    device_info: _Device | None = None
    dev_addr: SessionName = ""
    time: str = ""
    f_cnt: FrameCount = 0
    f_port: int = 0
    data: str = ""
    object: dict[str, Any] | None = None
    rx_info: list[_Rx] = []


_event = msgspec.json.Decoder(_Event).decode
_any = msgspec.json.Decoder(dict[str, Any]).decode


def build(name: str, settings: ChirpStack, sessions: Sessions) -> LoraSource:
    """The source of one [input.…]."""
    return LoraSource(name, settings, sessions, parse, "object.", _UNDECODED)


def parse(topic: str, payload: bytes) -> Uplink | Join | str:
    """An event by its topic …/event/<kind>; see lorawan.Parse."""
    *_, branch, kind = ["", *topic.split("/")]
    if branch != "event":
        return "down"
    if kind not in ("up", "join"):
        return kind if kind in ("ack", "txack", "status", "location", "log", "integration") else "other"
    event = _read(payload)
    info = event.device_info
    if info is None or not is_eui64(device := info.dev_eui.lower()):
        raise DecodeError(_without_device(payload))
    times = [event.time, *(rx.ns_time for rx in event.rx_info)]
    if kind == "join":
        return Join(device, event.dev_addr, times)
    names = {
        "application": (info.application_id, info.application_name),
        "profile": (info.device_profile_id, info.device_profile_name),
        "device": (device, info.device_name),
        "port": (str(event.f_port),),
    }
    signals = [(rx.rssi, rx.snr if isinstance(rx.snr, float) else None) for rx in event.rx_info]
    return Uplink(
        *(device, event.dev_addr, event.f_cnt, times, event.object, not event.data),
        facts=Facts(names, info.tags),
        signal=best(signals),
    )


def _read(payload: bytes) -> _Event:
    try:
        return _event(payload)
    except msgspec.ValidationError as error:
        raise DecodeError(_without_device(payload, str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DecodeError(
            both(
                f"kein JSON ({error}); in ChirpStack unter [integration.mqtt] json=true setzen",
                f"not JSON ({error}); set json=true under [integration.mqtt] in ChirpStack",
            )
        ) from None


def _without_device(payload: bytes, why: str = "") -> str:
    try:
        old = not _any(payload).keys().isdisjoint(_OLD)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        old = False
    if old:
        return both(
            "das ist die Form von ChirpStack v3; gelesen wird die von v4",
            "this is ChirpStack v3's form; that of v4 is read",
        )
    why = why or "deviceInfo.devEui"
    return both(f"kein Ereignis von ChirpStack v4: {why}", f"no event of ChirpStack v4: {why}")
