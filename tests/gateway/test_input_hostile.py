"""What a broken or hostile network server or device sends is refused with a reason, and takes no memory."""

import json
import resource
from typing import Any

import pytest

from bordstein_gateway.decode.messages import Messages
from bordstein_gateway.decode.normalise import OUT_OF_RANGE
from bordstein_gateway.store import Arrival, Outcome, Store
from tests.gateway.inputs import LORA, NOON, TOPIC, inputs, read, uplink, values

NAMED = """
[garden]
kind = "tasmota"
topic = "tele/+"
enterprise = 4711
[[garden.map]]
values = { "A.T" = "air/air_temperature", "N" = "gate/pedestrian_count" }
"""


def changed(**members: Any) -> bytes:
    """A genuine uplink with some members replaced."""
    return json.dumps(json.loads(uplink(1, fields={"fill_pct": 50})) | members).encode()


@pytest.mark.parametrize("count", [-1, 2**32, 2**63, 10**30])
def test_a_frame_counter_that_lorawan_does_not_have_is_refused_and_not_remembered(store: Store, count: int) -> None:
    some = inputs(LORA, store)
    refused = read(some, TOPIC + "up", changed(fCnt=count))
    assert refused.pack is None and "fCnt" in refused.reason
    good = read(some, TOPIC + "up", uplink(2, fields={"fill_pct": 50}))
    assert (good.pack.boot, good.pack.seq) == (2, 2)
    assert store.write([refused, good]) == [Outcome.REFUSED, Outcome.NEW]


def test_a_session_has_no_name_of_any_length() -> None:
    refused = read(inputs(LORA), TOPIC + "up", changed(devAddr="x" * 100_000))
    assert refused.pack is None and "devAddr" in refused.reason


def test_paths_of_fields_nobody_names_take_no_more_memory_than_the_message() -> None:
    some = inputs(LORA)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read(some, TOPIC + "up", changed(object={"k" * 500_000: {str(number): 1 for number in range(20_000)}}))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    (source,) = some.sources.values()
    assert len("".join(source.unmapped)) < 1_000_000
    # What is named is found however much stands before it.
    fields = {**{f"a{number}": 1 for number in range(5000)}, "fill_pct": 50}
    assert values(read(some, TOPIC + "up", changed(object=fields))) == {"bin/fill_level": 0.5}


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_what_is_too_large_for_a_number_is_said(text: str) -> None:
    for payload in ({"A": {"T": text}}, {"N": text}):
        assert "too large" in str(read(inputs(NAMED), "tele/x/SENSOR", payload).reason)


def test_a_count_that_no_database_holds_is_marked(store: Store) -> None:
    found = read(inputs(NAMED), "tele/x/SENSOR", b'{"N": 12345678901234567890123}')
    (reading,) = found.pack.readings
    assert (reading.value, reading.flags) == (12345678901234567890123.0, OUT_OF_RANGE)
    assert store.write([found]) == [Outcome.NEW]


@pytest.mark.parametrize("kind", ["SENSOR", "LWT"])
def test_a_name_that_is_too_long_for_a_devices_id_makes_no_device(kind: str) -> None:
    found = read(inputs(NAMED), f"tele/{'ä' * 300}/{kind}", b'{"A": {"T": 1}}')
    assert isinstance(found, Arrival) and found.pack is None and len(found.reason) < 600


def test_a_device_called_as_a_board_is_none() -> None:
    found = read(inputs(NAMED), "tele/24a160123456/SENSOR", b'{"A": {"T": 1}}')
    assert found.pack.device == "4711-24a160123456"


def test_long_topics_are_not_kept_in_memory() -> None:
    some = inputs(NAMED)
    messages = Messages("bordstein/v1", some)
    for number in range(50):
        for topic in (f"tele/{'x' * 60_000}{number}/SENSOR", f"bordstein/v1/{'x' * 60_000}{number}/readings"):
            messages.read(topic.encode(), b"{}", False, NOON)
    kept: list[Any] = [*messages._routes, *some._routes]
    assert sum(map(len, kept)) < 10_000
