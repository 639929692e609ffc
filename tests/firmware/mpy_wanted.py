"""A board's configuration from afar: checked, tried, confirmed by the gateway or left again; also when the power goes
at any flash write of it.

For MicroPython, in virtual time. Broker and gateway are a model here: it keeps the wanted configuration and the report,
and answers a trial.
"""
# heapsize: 2M

import asyncio
import gc
import json
import os
import sys

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from lives import StandIn, live, use  # noqa: E402
from simulated.flashdisk import RamDisk  # noqa: E402

import bordstein  # noqa: E402
from bordstein import app, platform, sensors  # noqa: E402

MQTT = {"host": "127.0.0.1", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
OLD = {"mqtt": MQTT, "network": {"wifi": [{"ssid": "Stadt", "password": "geheimnis"}]}, "health_s": 300}
NEW = {"mqtt": {"host": "127.0.0.1"}, "network": {"wifi": [{"ssid": "Stadt"}]}, "health_s": 60, "trial_s": 60}
LOST = {"mqtt": {"host": "nowhere.example"}, "health_s": 60, "trial_s": 60}


class Town:
    """wanted: the retained message; reports: what came; answering: the gateway is there."""

    def __init__(self):
        self.wanted = b""
        self.reports = []
        self.answering = True

    def want(self, version, config):
        self.wanted = json.dumps({"version": version, "config": config}).encode()

    @property
    def report(self):
        return self.reports[-1] if self.reports else None


class Link(StandIn):
    def __init__(self, *, host, on_message, **_):
        self._host = host
        self._on_message = on_message
        self.on_connect = []

    async def run(self):
        await asyncio.sleep(1)
        if self._host != "127.0.0.1":
            self.problem = self._host + ": no name server answered"
            await asyncio.Event().wait()
        self.connected = True
        self.session = 1
        for told in self.on_connect:
            told(False)
        self.bring("config", town.wanted)
        await asyncio.Event().wait()

    def bring(self, topic, payload):
        if powered():
            self._on_message("x/" + topic, payload)

    async def publish(self, topic, payload, retain=False):
        await self.wait_connected()
        await asyncio.sleep_ms(50)
        if powered() and topic.endswith("/config/reported"):
            assert retain
            report = json.loads(payload)
            town.reports.append(report)
            if town.answering and "trial" in report:
                self.bring("receipt", json.dumps({"boot": report["trial"], "config": report["version"]}).encode())


use(Link)

resets = []
platform.reset = lambda: resets.append(True)
town = None
disk = None
causes = ["power-on"]
platform.reset_cause = lambda: causes[0]


def powered():
    return disk.cut_at is None or not disk.dead


def plain(blocks=32):
    """A board as the technician left it."""
    global disk, town
    disk, town = RamDisk(blocks, 4096), Town()
    flash.mount(flash.blank(disk))
    for name in ("ca.der", "device.der", "device.key.der"):
        open(name, "w").close()
    with open("config.json", "w") as file:
        json.dump(OLD, file)
    power_on()


def power_on():
    platform.rtc_memory(b"")
    causes[0] = "power-on"


def start(seconds, script=None):
    """One start, until the board restarts or the time is over; returns the App."""
    resets.clear()
    board = live(app.App(), seconds, lambda: resets or not powered(), script)
    causes[0] = "hard"
    return board


def run(seconds=120, starts=5):
    """Starts as long as the board restarts; the last App."""
    for _ in range(starts):
        board = start(seconds)
        if not resets or not powered():
            return board
    raise AssertionError("it restarts and restarts")


def running():
    with open("config.json") as file:
        return json.load(file)["health_s"]


def test_a_new_configuration_is_tried_confirmed_and_kept():
    plain()
    town.want(1, NEW)
    board = run()
    assert board.config["health_s"] == 60 and running() == 60
    assert [report["ok"] for report in town.reports] == [None, True]
    assert town.report["version"] == town.report["running"] == 1 and not town.report["problems"]
    board = run()
    assert board.config["health_s"] == 60 and not board.trial and len(town.report["digest"]) == 16
    # What the gateway does not know was kept.
    assert board.config["mqtt"]["key"] == "device.key.der"
    assert board.config["network"]["wifi"][0]["password"] == "geheimnis"
    assert sorted(name for name in os.listdir() if name.startswith("config")) == ["config.json", "config.state"]


def test_without_a_wanted_one_the_report_says_what_runs():
    plain()
    start(30)
    assert not resets and len(town.reports) == 1
    assert town.report["version"] == town.report["running"] == 0 and town.report["ok"] is True


def test_the_digest_follows_the_configuration_and_not_its_secrets():
    digests = []
    for health_s, password in ((300, "geheimnis"), (300, "anderes geheimnis"), (301, "geheimnis")):
        plain()
        with open("config.json", "w") as file:
            json.dump(dict(OLD, health_s=health_s, network={"wifi": [{"ssid": "Stadt", "password": password}]}), file)
        start(30)
        digests.append(town.report["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_one_that_leads_nowhere_is_left_again_and_not_tried_twice():
    plain()
    town.want(1, LOST)
    board = run()
    assert board.config["health_s"] == 300 and running() == 300
    assert town.report["ok"] is False and town.report["version"] == 1 and town.report["running"] == 0
    assert "60 s" in town.report["problems"][0] and "nowhere.example" in town.report["problems"][0]
    for _ in range(3):
        start(120)
        assert not resets and town.report["ok"] is False
    town.want(2, NEW)
    board = run()
    assert board.config["health_s"] == 60 and town.report["version"] == 2 and town.report["ok"] is True


def test_without_the_gateway_a_broker_is_not_enough():
    plain()
    town.answering = False
    town.want(1, NEW)
    board = run()
    assert running() == 300 and town.report["ok"] is False and "the gateway was not" in town.report["problems"][0]
    assert not board.trial


def test_a_receipt_for_this_start_confirms_too_and_one_from_before_does_not():
    plain()
    town.answering = False
    town.want(1, NEW)
    start(60)
    assert resets

    async def script(board):
        await asyncio.sleep(10)
        board.link.bring("receipt", b'{"boot":%d,"seq":0}' % (board.spool.boot - 1))
        board.link.bring("receipt", b'{"boot":"x')
        await asyncio.sleep(5)
        assert board.trial and running() == 300
        board.link.bring("receipt", b'{"boot":%d,"seq":0}' % board.spool.boot)
        await asyncio.sleep(10)
        assert not board.trial

    start(10, script)
    assert not resets and running() == 60 and town.report["ok"] is True


def test_any_start_before_the_confirmation_goes_back():
    for cause in ("power-on", "watchdog", "hard", "soft"):
        plain()
        town.answering = False
        town.want(1, NEW)
        start(60)
        assert resets
        board = start(20)
        assert board.trial and board.config["health_s"] == 60 and not resets
        if cause == "power-on":
            power_on()
        causes[0] = cause
        town.answering = True
        board = run()
        assert board.config["health_s"] == 300 and not board.trial
        assert town.report["ok"] is False and cause in town.report["problems"][0], town.report


def test_every_mistake_is_named_and_nothing_is_restarted():
    plain()
    town.want(1, dict(NEW, health_s=1, led="x", mqtt={"host": "127.0.0.1", "ca": "gone.der"}))
    board = start(120)
    assert not resets and board.config["health_s"] == 300
    assert town.report["version"] == 1 and town.report["ok"] is False
    found = " ".join(town.report["problems"])
    assert len(town.report["problems"]) == 3 and all(word in found for word in ("health_s", "led", "gone.der")), found
    town.want(2, NEW)
    assert run().config["health_s"] == 60


def test_without_memory_for_a_check_the_next_start_makes_it():
    def none():
        raise MemoryError

    names = sensors.names
    for made, health_s in ((NEW, 60), (dict(NEW, led="x", health_s=1), 300)):
        plain()
        town.want(1, made)
        sensors.names = names

        async def script(board):
            sensors.names = none

        start(60, script)
        assert resets
        sensors.names = names
        board = run()
        assert board.config["health_s"] == health_s and town.report["ok"] is (made is NEW)
        assert len(town.report["problems"]) == (0 if made is NEW else 2)


def test_the_check_leaves_nothing_in_memory():
    plain()
    sensor = {"driver": "bme280", "bus": "i2c0"}
    town.want(
        1, dict(NEW, buses={"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}}, sensors={"air": sensor}, led="x")
    )
    before = set(sys.modules)
    start(60)
    assert town.report["ok"] is False
    assert not [name for name in set(sys.modules) - before if "config" in name or "bme280" in name or "wanted" in name]
    assert not hasattr(sensors, "bme280") and not hasattr(bordstein, "config")


def test_what_is_no_configuration_gets_a_sentence():
    for wanted, word in (
        (b"{", "version"),
        (b"[]", "version"),
        (b'{"version":true,"config":{}}', "version"),
        (b'{"version":0,"config":{}}', "version"),
        (b'{"version":1,"config":[]}', "version"),
        (b'{"version":1,"config":' + b"[" * 4000, "version"),
        (b'{"version":1,"config":{"name":"' + b"x" * 4200 + b'"}}', "4096"),
        (None, "4096"),
    ):
        plain()
        town.wanted = wanted
        start(60)
        assert not resets and town.report["ok"] is False and word in town.report["problems"][0], (wanted, town.report)


def test_a_realistic_long_one_is_taken():
    plain()
    sensors = {"air%d" % i: {"driver": "pulse", "pin": 12 + i, "interval_s": 60, "debounce_ms": 50} for i in range(8)}
    made = dict(NEW, sensors=sensors, name="")
    made["name"] = "x" * (4096 - len(json.dumps(made)))
    town.want(1, made)
    board = run()
    assert len(board.config["sensors"]) == 8 and town.report["ok"] is True


def test_a_newer_one_that_comes_during_a_trial_is_followed_after_it():
    plain()
    town.want(1, NEW)
    start(60)
    town.answering = False

    async def script(board):
        await asyncio.sleep(10)
        town.want(2, dict(NEW, health_s=61))
        board.link.bring("config", town.wanted)
        await asyncio.sleep(10)
        assert board.trial.version == 1
        town.answering = True
        board.link.bring("receipt", b'{"boot":%d,"seq":0}' % board.spool.boot)

    start(60, script)
    assert resets
    assert run().config["health_s"] == 61 and town.report["version"] == 2


def test_a_mistake_that_only_shows_when_it_runs_goes_back():
    def refuse(*_):
        raise ValueError("pin can only be input")

    plain()
    town.want(1, dict(NEW, led=34))
    use_led = platform.use_led
    platform.use_led = lambda number: None if number is None else refuse()
    board = run()
    platform.use_led = use_led
    assert board.config["health_s"] == 300 and "led" in town.report["problems"][0]


def cut_everywhere(wanted, torn=False):
    """The way to a new configuration, cut at each of its flash operations; returns how many these are."""
    plain()
    disk.operations = 0
    town.want(1, wanted)
    run()
    operations = disk.operations
    for cut in range(1, operations + 1):
        plain()
        town.want(1, wanted)
        disk.operations = 0
        disk.torn = torn
        disk.cut_at = cut
        try:
            run()
        except OSError:
            pass
        assert disk.dead, (cut, operations)
        revive()
        assert running() in (300, 60), cut
        board = run()
        found = running()
        assert board.config["health_s"] == found and not board.trial and not board.state.problems, cut
        if wanted is LOST:
            assert found == 300 and town.report["ok"] is False, (cut, town.report)
        elif found == 60:
            assert town.report["ok"] is True and town.report["running"] == 1, (cut, town.report)
        else:
            assert town.report["ok"] is False and "power-on" in town.report["problems"][0], (cut, town.report)
        town.want(2, NEW)
        assert run().config["health_s"] == 60 and town.report["ok"] is True, cut
    return operations


def revive():
    global disk
    left = disk.snapshot()
    disk.cut_at, disk.dead = None, False  # the collector closes what the cut left open
    gc.collect()
    flash.mount(left)
    disk = left
    power_on()


def test_power_cut_at_every_flash_write_leaves_the_old_or_the_new_one():
    assert cut_everywhere(NEW) > 30


def test_power_cut_that_tears_every_flash_write_leaves_the_old_or_the_new_one():
    assert cut_everywhere(NEW, torn=True) > 30


def test_power_cut_at_every_flash_write_of_the_way_back_leaves_the_old_one():
    assert cut_everywhere(LOST) > 30
