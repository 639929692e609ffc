"""The whole way to a context broker: it fetches the contexts from the gateway, and shows the newest after a crash."""

from pathlib import Path

from tests.gateway.packs import DEVICE, NOON, pack
from tests.street.client import Client
from tests.street.processes import free_port, until
from tests.street.receivers import NgsiLd
from tests.street.servers import Gateway, Mosquitto, Town

ENTITY = f"urn:ngsi-ld:WasteContainer:musterstadt:{DEVICE}"


def test_a_broker_has_the_newest_after_a_gateway_was_killed_while_it_waited_for_the_answer(tmp_path: Path) -> None:
    town, port = Town(tmp_path), free_port()
    platform = NgsiLd(tmp_path, f"http://127.0.0.1:{port}/contexts", "--fetch-contexts")
    place = {"id": DEVICE, "name": "Papierkorb 12", "latitude": 53.5511, "longitude": 9.9937}
    with Mosquitto(town) as broker, platform:
        gateway = Gateway(
            town,
            broker,
            forward={platform.name: platform.section()},
            devices=[place],
            settings={"http": {"port": port}},
        )
        with gateway, Client(broker.port, town.context(town.device(DEVICE)), name=DEVICE) as board:

            def fill(number: int, level: float) -> None:
                sent = pack(1, number, at=NOON + number, series="bin/fill_level", value=level)
                board.publish(sent.topic, sent.payload)

            def there(level: float) -> bool:
                return platform.entities().get(ENTITY, {}).get("fillingLevel", {}).get("value") == level

            fill(0, 0.25)
            assert until(lambda: there(0.25), 60), gateway.tail()
            platform.fault("hang")
            fill(1, 0.5)
            assert until(lambda: platform.statistics()["faults"] > 0, 60), gateway.tail()
            gateway.kill()
            platform.mend()
            gateway.start()
            fill(2, 0.75)
            assert until(lambda: there(0.75), 60), gateway.tail()
            counts = platform.statistics()
            assert (counts["updates"], counts["backward"], counts["refused"]) == (3, 0, 0)
