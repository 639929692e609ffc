"""A bay that is parked up starts work in the town's systems: once, although the gateway is killed while they answer."""

import contextlib
import json
import time
from pathlib import Path

from bordstein_gateway.decode.normalise import device_name
from tests.street.client import Client
from tests.street.processes import until
from tests.street.receivers import Engine, EventReceiver, Open311
from tests.street.servers import Gateway, Mosquitto, Town

DEVICE = "24a160000001"


def test_a_gateway_killed_while_targets_answer_reports_each_event_once(tmp_path: Path) -> None:
    town = Town(tmp_path)
    broker = Mosquitto(town)
    engines = [Engine(tmp_path, "camunda7"), Engine(tmp_path, "flowable")]
    receivers: list[EventReceiver] = [Open311(tmp_path), *engines]
    gateway = Gateway(
        town,
        broker,
        devices=[{"id": DEVICE, "name": "Ladezone Markt", "latitude": 53.5511, "longitude": 9.9937}],
        forward={receiver.name: receiver.section() for receiver in receivers},
    )
    with contextlib.ExitStack() as stack:
        for process in (*receivers, broker, gateway):
            stack.enter_context(process)
        board = stack.enter_context(Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE))
        now = int(time.time()) - 60
        numbers = iter(range(100))

        def publish(*values: bool) -> None:
            for value in values:
                seq = next(numbers)
                base = {"bn": device_name(DEVICE), "bt": now + seq, "n": "boot", "v": 1}
                reading = {"n": "bay/parking_bay_occupied", "vb": value}
                pack = json.dumps([base, {"n": "seq", "v": seq}, reading])
                assert board.publish(f"bordstein/v1/{DEVICE}/readings", pack) == "Success"

        def held() -> list[int]:
            return [receiver.held() for receiver in receivers]

        for receiver in receivers:
            receiver.fault("hang")
        publish(False, False, True, True)
        assert until(lambda: held() == [1, 1, 1], 30)
        gateway.kill()  # all have it, and nobody has said so
        for receiver in receivers:
            receiver.mend()
        gateway.start()
        publish(True, False, False)
        assert until(lambda: all(engine.told() == 1 for engine in engines), 60)
        assert until(lambda: all(target["backlog"] == 0 for target in gateway.get("/api/latest")["forward"]), 30)
        assert held() == [1, 1, 1]
        assert [receiver.statistics()["doubled"] for receiver in receivers] == [0, 0, 0]
        links = [target["links"] for target in gateway.get("/api/latest")["forward"]]
        assert [[link["state"] for link in rows] for rows in links] == [["open"], ["told"], ["told"]]
