"""The whole application on a virtual board: what it does with broken configurations, and its parts' restarts.

For MicroPython, in virtual time.
"""
# heapsize: 1M
# again: 31-bit, 2000

import asyncio
import json
import os
import sys

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from lives import StandIn, use  # noqa: E402

from bordstein import app, log, platform  # noqa: E402


class Driver:
    OPTIONS = "pin pin in !"
    WARM_UP_S = 0
    INTERVAL_S = 60

    def __init__(self, options, platform):
        pass

    async def setup(self):
        pass

    async def read(self):
        return [("air_temperature", 815)]


class Module:
    pass


Module.Driver = Driver
sys.modules["bordstein.sensors.pulse"] = Module
PULSE = {"driver": "pulse", "pin": 27, "interval_s": 60}


class Link(StandIn):
    """Stands for the broker: takes what is published at once."""

    def __init__(self, **options):
        Link.options = options
        Link.published = []
        self.on_connect = []

    async def run(self):
        await asyncio.sleep(5)
        self.connected = True
        self.session += 1
        for told in self.on_connect:
            told(False)
        await asyncio.Event().wait()

    async def publish(self, topic, payload, retain=False):
        Link.published.append((topic.split("/", 3)[3], json.loads(payload), retain))


def make_context(ca, cert=None, key=None):
    with open(ca) as file:
        file.read()
    return "context"


use(Link, make_context)


def start(config, seconds=1, script=None):
    """Runs a board with this configuration (dict, text or None: no file) for so long; returns the App."""
    flash.mount()
    platform.rtc_memory(b"")
    if config is not None:
        with open("config.json", "w") as file:
            file.write(config if isinstance(config, str) else json.dumps(config))
    for name in ("ca.der", "device.der", "device.key.der"):
        open(name, "w").close()
    board = app.App()

    async def main():
        task = asyncio.create_task(board.run())
        if script:
            await script(board)
        await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(main())
    return board


MQTT = {"host": "127.0.0.1", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}


def test_a_board_without_or_with_an_unreadable_configuration_comes_up_and_waits():
    for config in (None, "", "{", "[]", "7", {}):
        board = start(config, 600)
        assert board.state.problems and board.spool.packs == 0


def test_a_mistake_in_one_sensor_leaves_the_others_and_raises_an_alert():
    board = start(
        {"mqtt": MQTT, "sensors": {"people": PULSE, "air": {"driver": "bme280", "bus": "nowhere"}}, "led": 300}, 630
    )
    assert board.spool.taken == 11 and list(board.sampler.sensors) == ["people"]
    states = [message for topic, message, _ in Link.published if topic == "state"]
    assert states[-1]["state"] == "alert"
    assert any("sensors.air.bus" in problem for problem in states[-1]["problems"])
    assert any("led" in problem for problem in states[-1]["problems"])


def test_a_mistake_in_mqtt_still_measures_and_keeps():
    for mqtt in ({"host": 5}, {"host": "x", "port": "abc", "tls": False}, dict(MQTT, ca="gone.der")):
        board = start({"mqtt": mqtt, "sensors": {"people": PULSE}}, 630)
        assert board.spool.packs == 11 and board.state.problems


def test_state_goes_from_init_to_ready_and_is_retained_and_the_will_says_lost():
    start({"mqtt": MQTT, "board": "virtual", "sensors": {"people": PULSE}}, 400)
    states = [(message, retain) for topic, message, retain in Link.published if topic == "state"]
    assert all(retain for _, retain in states)
    last = states[-1][0]
    assert last["state"] == "ready" and last["boot"] == 1 and last["board"] == "virtual"
    assert last["interval"] == {"people": 60} and last["dropped"] == 0 and last["reset"] == "power-on"
    assert last["next"][0] == 1 and last["taken"] == last["next"][1]
    topic, payload = Link.options["will"]
    assert topic.endswith("/state") and json.loads(payload) == {"state": "lost", "boot": 1}
    device = platform.device_id()
    names = ("receipt", "command", "config", "release", "release/data")
    assert Link.options["subscriptions"] == ["bordstein/v1/%s/%s" % (device, name) for name in names]


def test_health_comes_every_interval_with_names_of_the_table():
    start({"mqtt": MQTT, "sensors": {"people": PULSE}, "health_s": 60}, 600)
    packs = [message for topic, message, _ in Link.published if topic == "health"]
    assert len(packs) == 10
    names = {record["n"]: record["v"] for record in packs[-1]}
    assert names["boot"] == 1 and names["health/uptime"] >= 540 and names["health/errors/people"] == 0
    assert names["health/heap_free"] > 0


def test_a_receipt_and_a_command_reach_their_places():
    async def script(board):
        await asyncio.sleep(100)
        assert board.spool.packs == 2
        board._message("x/receipt", b'{"boot":1,"seq":0,"time":1800000000}')
        await asyncio.sleep(2)
        assert board.spool.packs == 1
        board._message("x/command", b'{"id":"c","do":"interval","sensor":"people","seconds":5}')
        await asyncio.sleep(2)
        assert ("command/result", {"id": "c", "ok": True}, False) in Link.published

    start({"mqtt": MQTT, "sensors": {"people": PULSE}}, 1, script)


def test_reboot_says_disconnected_and_keeps_what_waits():
    ended = []
    platform.reset = lambda: ended.append(True)

    async def script(board):
        await asyncio.sleep(100)
        board._message("x/command", b'{"id":"r","do":"reboot"}')
        await asyncio.sleep(2)
        assert ended == [True]
        topics = [topic for topic, _, _ in Link.published]
        assert topics.index("command/result") == len(topics) - 2
        assert Link.published[-1][0] == "state" and Link.published[-1][1]["state"] == "disconnected"

    board = start({"mqtt": MQTT, "sensors": {"people": PULSE}, "spool": {"batch_s": 600}}, 1, script)
    assert [name for name in os.listdir("spool") if name.endswith(".seg")]
    assert board.spool.packs == 2


def test_reboot_happens_also_when_flash_takes_nothing_any_more():
    ended = []
    platform.reset = lambda: ended.append(True)

    async def script(board):
        await asyncio.sleep(100)
        full = os.getcwd() + "/full"
        try:
            with open(full, "w") as file:
                while True:
                    file.write("." * 512)
                    file.flush()
        except OSError:
            pass
        board.spool._write = worn
        board._message("x/command", b'{"id":"r","do":"reboot"}')
        await asyncio.sleep(20)

    def worn(*_):
        raise OSError(5)

    start({"mqtt": MQTT, "sensors": {"people": PULSE}, "spool": {"batch_s": 600}}, 1, script)
    assert ended == [True]


def test_a_pin_that_the_chip_cannot_use_so_is_an_alert_and_no_end():
    def refuse(*_):
        raise ValueError("pin can only be input")

    use_led, use_supply = platform.use_led, platform.use_supply
    platform.use_led = platform.use_supply = refuse
    board = start({"mqtt": MQTT, "sensors": {"people": PULSE}, "led": 34}, 200)
    platform.use_led, platform.use_supply = use_led, use_supply
    assert board.state.word == "alert" and board.spool.taken > 0
    assert any(problem.startswith("led: ") for problem in board.state.problems)


def test_batched_packs_are_written_when_their_time_has_come():
    board = start({"mqtt": MQTT, "sensors": {"people": PULSE}, "spool": {"batch_s": 300}}, 250)
    assert not [name for name in os.listdir("spool") if name.endswith(".seg")]
    board = start({"mqtt": MQTT, "sensors": {"people": PULSE}, "spool": {"batch_s": 300}}, 400)
    assert board.spool.oldest(board.uplink._sent) or board.uplink.sent


def test_a_part_that_dies_is_started_again():
    lives = []

    async def mortal():
        lives.append(1)
        if len(lives) < 5:
            raise ValueError("dead")

    asyncio.run(app.keep("mortal", mortal))
    assert len(lives) == 5


def test_safe_mode_reads_no_sensor_talks_to_the_town_and_tries_again():
    ended = []
    platform.reset = lambda: ended.append(virtual.now_ms)
    start({"mqtt": MQTT, "sensors": {"people": PULSE}}, 60)  # a start that ends before it is well
    record = platform.rtc_memory
    kept = [record()]
    for number in range(2, 6):
        board = restart_with(kept, {"mqtt": MQTT, "sensors": {"people": PULSE}}, 60)
        assert board.sampler.sensors and not board.guard.safe, number
    board = restart_with(kept, {"mqtt": MQTT, "sensors": {"people": PULSE}}, 600)
    assert board.guard.safe and not board.sampler.sensors and board.link.connected and not ended
    assert Link.published[-1][1]["state"] == "alert" and "safe mode" in Link.published[-1][1]["problems"][0]
    board = restart_with(kept, {"mqtt": MQTT, "sensors": {"people": PULSE}}, 1000)
    assert ended
    board = restart_with(kept, {"mqtt": MQTT, "sensors": {"people": PULSE}}, 600)
    assert board.sampler.sensors and board.guard.unhealthy == 0  # repaired


def restart_with(kept, config, seconds):
    """A restart by the watchdog: RTC memory is as the last start left it."""
    rtc_memory = platform.rtc_memory
    cause = platform.reset_cause
    platform.reset_cause = lambda: "watchdog"

    def remembered(data=None):
        if data is None:
            return kept[0]
        if data:  # start() clears it, which a watchdog does not
            kept[0] = bytes(data)

    platform.rtc_memory = remembered
    try:
        return start(config, seconds)
    finally:
        platform.rtc_memory = rtc_memory
        platform.reset_cause = cause


def test_the_log_can_be_fetched_and_holds_no_secret():
    secrets = {"ssid": "Rathaus", "password": "geheim-und-lang"}

    async def script(board):
        await asyncio.sleep(100)
        board._message("x/command", b'{"id":"l","do":"log"}')
        await asyncio.sleep(2)

    log._lines.clear()
    start({"mqtt": MQTT, "network": {"wifi": [secrets]}, "sensors": {"people": dict(PULSE, pin="x")}}, 1, script)
    answer = next(message for topic, message, _ in Link.published if topic == "command/result")
    text = " ".join(answer["result"]["lines"])
    assert "sensors.people.pin" in text and "started by" in text and "Rathaus" in text, text
    assert "geheim" not in text


def test_the_log_is_bounded_and_the_last_of_it_outlives_a_crash():
    flash.mount()
    log._lines.clear()
    for number in range(200):
        log.say("line", number, "." * 20)
    assert sum(len(line) for line in log.lines()) <= 1500 and log.lines()[-1].endswith("line 199 " + "." * 20)
    try:
        {}["broken"]
    except KeyError as error:
        log.trace(error)
    log.keep()
    log._lines.clear()
    log.say("after")
    assert any("KeyError: broken" in line and "mpy_app.py" in line for line in log.lines())
    assert log.lines()[-1].endswith("after")


def test_the_time_is_asked_for_again_and_again_and_costs_no_memory_between():
    log._lines.clear()
    board = start({"mqtt": MQTT, "sensors": {}, "time": {"servers": ["zeit.example"]}}, 500)
    asked = [line for line in log._lines if "zeit.example" in line]
    assert len(asked) > 3 and "bordstein.sntp" not in sys.modules, log._lines
    assert not board.state.problems


def test_the_checker_of_the_configuration_does_not_stay_in_memory():
    start({"mqtt": MQTT, "sensors": {}})
    assert "bordstein.config" not in sys.modules


def test_what_an_update_needs_is_in_memory_only_while_it_goes_on():
    told = []

    async def script(board):
        await asyncio.sleep(60)
        told.append([name for name in sys.modules if name.startswith("bordstein.update")])
        board._message("x/release", b'{"order": 4, "version": "0.9.0", "sha256": "00"}')
        board._message("x/release", b'{"order": 5, "version": "0.9.1", "sha256": "00"}')
        await asyncio.sleep(30)
        told.append(board.update.offer)
        told.append(dict(board.state.update))
        board._message("x/release/data", b"\0\0\0\5\0\0\0\0BSR?\0\0\0\0")
        await asyncio.sleep(30)
        told.append([name for name in sys.modules if name.startswith("bordstein.update")])
        told.append(board.update)
        board._message("x/release", b"")
        board._message("x/release/data", b"late")
        await asyncio.sleep(5)

    board = start({"mqtt": MQTT, "sensors": {"people": PULSE}}, 60, script)
    assert told[0] == told[3] == [] and told[1].startswith(b'{"order": 5') and told[4] is None
    assert told[2] == {"order": 5, "version": "0.9.1", "result": "fetching"}
    asked = [message for topic, message, _ in Link.published if topic == "release/get"]
    assert asked and asked[-1] == {"order": 5, "version": "0.9.1", "offset": 0, "length": 8}
    last = [message for topic, message, _ in Link.published if topic == "state"][-1]
    assert last["update"]["result"] == "refused" and board.state.word == "ready"
    assert "bordstein.update" not in sys.modules
