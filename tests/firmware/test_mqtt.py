"""The MQTT codec on CPython: published packets, round trips, and whatever bytes a broken broker may send."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/data/vectors/mqtt.json").read_text())["packets"]


def _module() -> Any:
    # The same file that runs on the board; it needs nothing of MicroPython.
    spec = importlib.util.spec_from_file_location("firmware_mqtt", ROOT / "firmware/bordstein/mqtt.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mqtt = _module()
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


def vectors(*kinds: str) -> list[Any]:
    return [
        pytest.param(v["packet"], bytes.fromhex(v["hex"]), id=v["name"]) for v in VECTORS if v["packet"]["cmd"] in kinds
    ]


def parsed(data: bytes, limit: int = 4096) -> list[tuple[Any, ...]]:
    return list(mqtt.Parser(limit).feed(data))


@pytest.mark.parametrize(("packet", "data"), vectors("connect"))
def test_published_connect_packets_are_built(packet: dict[str, Any], data: bytes) -> None:
    assert mqtt.connect(packet["clientId"], packet["keepalive"], clean=packet["clean"]) == data


@pytest.mark.parametrize(("packet", "data"), vectors("publish"))
def test_published_messages_are_built_and_read(packet: dict[str, Any], data: bytes) -> None:
    payload = bytes.fromhex(packet["payload"]["hex"])
    assert mqtt.publish(packet["topic"], payload) == data
    assert parsed(data) == [(mqtt.PUBLISH, 0, False, False, 0, packet["topic"], payload)]


def test_published_acknowledgements_are_read() -> None:
    by_name = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in VECTORS}
    assert parsed(by_name["connack with return code 0"]) == [(mqtt.CONNACK, False, 0)]
    assert parsed(by_name["connack with return code 0 session present bit set"]) == [(mqtt.CONNACK, True, 0)]
    assert parsed(by_name["connack with return code 5"]) == [(mqtt.CONNACK, False, 5)]
    assert parsed(by_name["puback"]) == [(mqtt.PUBACK, 2)] and mqtt.puback(2) == by_name["puback"]
    assert parsed(by_name["suback"]) == [(mqtt.SUBACK, 6, bytes([0, 1, 2]))]
    assert parsed(by_name["pingresp"]) == [(mqtt.PINGRESP,)]
    assert by_name["pingreq"] == mqtt.PINGREQ_PACKET and by_name["disconnect"] == mqtt.DISCONNECT_PACKET
    assert mqtt.subscribe(6, ["test"], qos=0) == by_name["subscribe to one topic"]


def test_a_will_is_asked_for_with_quality_1_and_retained() -> None:
    packet = mqtt.connect("b", 60, will=("t", b"lost"))
    assert packet[9] == 4 | 1 << 3 | 32  # will, its quality 1, its retain; no clean session
    assert packet.endswith(b"\x00\x01b\x00\x01t\x00\x04lost")


@given(TEXT, st.binary(max_size=600), st.integers(1, 65535), st.booleans(), st.booleans())
def test_a_message_survives_the_way_there_and_back(
    topic: str, payload: bytes, number: int, retain: bool, again: bool
) -> None:
    packet = mqtt.publish(topic, payload, number, retain)
    if again:
        mqtt.mark_duplicate(packet)
    assert parsed(packet) == [(mqtt.PUBLISH, 1, again, retain, number, topic, payload)]


@given(st.data())
def test_packets_may_arrive_in_pieces_of_any_size(data: st.DataObject) -> None:
    packets = [
        mqtt.publish("a/b", b"x" * data.draw(st.integers(0, 300)), 7),
        mqtt.puback(9),
        b"\xd0\x00",
        b"\x20\x02\x01\x00",
    ]
    stream = b"".join(map(bytes, packets))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parser, found = mqtt.Parser(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += list(parser.feed(stream[begin:end]))
    assert [packet[0] for packet in found] == [mqtt.PUBLISH, mqtt.PUBACK, mqtt.PINGRESP, mqtt.CONNACK]


@given(st.binary(max_size=200), st.integers(1, 64))
def test_any_bytes_are_read_or_refused_with_a_sentence(data: bytes, limit: int) -> None:
    try:
        parsed(data, limit)
    except mqtt.MQTTError as error:
        assert "broker" in str(error)


def test_a_message_longer_than_the_limit_keeps_its_number_and_loses_its_payload() -> None:
    packet = mqtt.publish("a/b", b"x" * 5000, 7)
    assert parsed(bytes(packet) + b"\xd0\x00", limit=100) == [
        (mqtt.PUBLISH, 1, False, False, 7, "a/b", None),
        (mqtt.PINGRESP,),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x36\x05\x00\x01a\x00\x01",  # quality 3
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\x30\x02\x00\x09",  # a topic longer than the packet
        b"\x30\x03\x00\x01\xff",  # a topic that is not UTF-8
        b"\x10\x00",  # CONNECT, from a broker
        b"\x20\x01\x00",  # half a CONNACK
        b"\x41\x02\x00\x01",  # PUBACK with flags
        b"\x40\xff\x7f",  # a PUBACK of 16 kB
    ],
)
def test_what_is_not_mqtt_is_refused(data: bytes) -> None:
    with pytest.raises(mqtt.MQTTError):
        parsed(data)


def test_too_long_strings_are_refused_before_they_are_sent() -> None:
    with pytest.raises(ValueError, match="65535"):
        mqtt.publish("t" * 65536, b"")
