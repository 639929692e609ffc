"""What paho alone costs: takes QoS 1 messages, acknowledges each by hand, does nothing else with them.

python -m tests.bench.bare PORT COUNT      prints its own processor seconds
"""

import resource
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main(port: int, count: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bare", clean_session=False, manual_ack=True)
    seen = 0
    begun = 0.0

    def taken(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        nonlocal seen, begun
        if not seen:
            begun = _seconds()
        seen += 1
        client.ack(message.mid, message.qos)
        if seen == count:
            client.disconnect()

    client.on_message = taken
    client.on_connect = lambda *_: client.subscribe("bordstein/v1/+/readings", qos=1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    client.loop_forever()
    print(_seconds() - begun, flush=True)


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
