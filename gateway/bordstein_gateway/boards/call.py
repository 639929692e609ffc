"""Speaks to a board through the broker, beside a running gateway or without one."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ..cli.common import Failed
from ..config.config import Mqtt
from ..ingest import broker_words
from ..texts import pick, said
from . import presence

if TYPE_CHECKING:  # it brings the MQTT client, which most verbs do without
    from .visitor import Visitor

_NOBODY = "000000000000"


class BoardCall:
    """One board's topics, on a connection with the gateway's own certificate and a client id that nobody else has."""

    def __init__(self, visitor: "Visitor", root: str, device: str) -> None:
        self._visitor = visitor
        self._nobody = f"{root}/{_NOBODY}/receipt"
        self._topic = f"{root}/{device}/"

    def listen(self, kind: str) -> None:
        """From now on messages of this kind are kept."""
        topic = self._topic + kind
        if self._visitor.subscribe(topic).is_failure:
            raise Failed(
                pick(
                    f"Das Gateway darf {topic} nicht lesen; die Zugriffsliste des Brokers verbietet es.",
                    f"The gateway may not read {topic}; the broker's access list forbids it.",
                )
            )

    def retained(self, kind: str) -> dict[str, Any]:
        """What the broker keeps of this kind, empty when there is nothing."""
        self.listen(kind)
        # A broker sends what it keeps at once; behind that comes what is sent after it.
        self._visitor.subscribe(self._nobody)
        mark = uuid.uuid4().hex.encode()
        self._visitor.publish(self._nobody, [mark])
        self._visitor.wait(lambda: (self._nobody, mark) in self._visitor.heard)
        found = self._heard(kind)
        return found[-1] if found else {}

    def send(self, kind: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has it."""
        topic = self._topic + kind
        if self._visitor.publish(topic, [payload], retain=retain)[0].is_failure:
            raise Failed(
                pick(
                    f"Das Gateway darf {topic} nicht schreiben; die Zugriffsliste des Brokers verbietet es.",
                    f"The gateway may not write {topic}; the broker's access list forbids it.",
                )
            )

    def answer(self, kind: str, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any] | None:
        """The first message of this kind that is wanted; None: none within that time."""
        try:
            self._visitor.wait(lambda: any(map(wanted, self._heard(kind))), seconds)
        except TimeoutError:
            return None
        return next(filter(wanted, self._heard(kind)))

    def _heard(self, kind: str) -> list[dict[str, Any]]:
        found = []
        for topic, payload in list(self._visitor.heard):
            if topic == self._topic + kind:
                try:
                    message = json.loads(payload)
                except (ValueError, RecursionError):
                    continue
                if isinstance(message, dict):
                    found.append(message)
        return found


def sleeps(board: BoardCall, wait: int) -> int | None:
    """When the board will connect (ms), if it sleeps for longer than one would wait (s); None: it does not."""
    said = board.retained("state")
    at = presence.wake(said.get("state"), said)
    return at if at is not None and at > (time.time() + wait) * 1000 else None


@contextmanager
def call(mqtt: Mqtt, device: str) -> Iterator[BoardCall]:
    """Failed: a sentence why there is no connection."""
    with calls(mqtt) as board:
        yield board(device)


@contextmanager
def calls(mqtt: Mqtt) -> Iterator[Callable[[str], BoardCall]]:
    """The same for many boards over one connection: what it gives makes a device's BoardCall."""
    from .visitor import TOO_NEW, Ended, Visitor

    where = f"{mqtt.host}:{mqtt.port}"
    purpose = "board-" + uuid.uuid4().hex[:8]
    # In MQTT 5 a broker says what it refuses; in 3.1.1 it says yes and throws away.
    visitor = Visitor(msgspec.structs.replace(mqtt, protocol=5), purpose)
    try:
        visitor.connect(clean=True)
        if visitor.connack[0].getName() == TOO_NEW and mqtt.protocol != 5:
            visitor.close()
            visitor = Visitor(mqtt, purpose)
            visitor.connect(clean=True)
        reason, _ = visitor.connack
        if reason.is_failure:
            raise Failed(said(broker_words.refused(str(reason), where)))
        yield partial(BoardCall, visitor, mqtt.topic)
    except Ended:
        raise Failed(said(broker_words.disconnected("", None, where, came_up=False))) from None
    except (OSError, ValueError) as error:
        raise Failed(said(broker_words.connect_error(error, where))) from None
    finally:
        visitor.close()
