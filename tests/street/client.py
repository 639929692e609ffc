"""A small MQTT client for tests: everything waits for an answer, nothing for time."""

import queue
import ssl
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TIMEOUT = 20


class Client:
    """Connected on entry; MQTT 5, so that the broker says why it refuses something.

    `session`: the broker keeps what comes while it is away, as for a board.
    """

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext | None,
        *,
        name: str = "",
        host: str = "localhost",
        session: bool = False,
    ) -> None:
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
        if context is not None:
            client.tls_set_context(context)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._answers.put(("connack", reason))
        client.on_publish = lambda _c, _u, _m, reason, _p: self._answers.put(("puback", reason))
        client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._answers.put(("suback", reasons))
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._answers.put(("disconnect", reason))
        client.on_message = lambda _c, _u, message: self.messages.put(message)
        self._address = (host, port)
        self._session = Properties(PacketTypes.CONNECT) if session else None  # type: ignore[no-untyped-call]
        if self._session:
            self._session.SessionExpiryInterval = 3600

    def __enter__(self) -> "Client":
        # Raises ssl.SSLError and OSError itself.
        self._client.connect(*self._address, clean_start=self._session is None, properties=self._session)
        self._client.loop_start()
        kind, reason = self._answers.get(timeout=TIMEOUT)
        if kind != "connack" or reason.is_failure:
            self.__exit__()
            raise ConnectionRefusedError(f"{kind}: {reason}")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes | str, retain: bool = False) -> str:
        """The broker's answer in words: "Success" (also when nobody listens), or for example "Not authorized"."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        reason = self._answer("puback")
        return str(reason) if reason.is_failure else "Success"

    def subscribe(self, topic: str) -> list[str]:
        self._client.subscribe(topic, qos=1)
        return [str(reason) for reason in self._answer("suback")]

    def disconnected(self) -> str:
        """Waits until the broker ends the connection; its reason."""
        return str(self._answer("disconnect"))

    def receive(self) -> mqtt.MQTTMessage:
        return self.messages.get(timeout=TIMEOUT)

    def _answer(self, wanted: str) -> Any:
        kind, reason = self._answers.get(timeout=TIMEOUT)
        assert kind == wanted, f"expected {wanted}, got {kind}: {reason}"
        return reason
