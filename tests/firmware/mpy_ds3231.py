"""The clock chip DS3231: its registers, a bad line, and boards that take their time from it. For MicroPython."""
# heapsize: 1M

import asyncio
import json
import sys

import flash
from driver_bench import build, one_bit_off, pass_time, refused
from lives import StandIn, live, use
from simulated import board as hardware
from simulated import world

from bordstein import app, clock, ds3231, log, platform

BUS = {"type": "i2c", "id": 0, "scl": 22, "sda": 21, "freq": 100000}
CHIP = {"chip": "ds3231", "name": "clock", "bus": "i2c:0"}
RUNS = b"\x1c\x00"
CONFIG = {
    "mqtt": {"host": "127.0.0.1", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "buses": {"i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21}},
    "time": {"ds3231": {"bus": "i2c0"}},
    "sensors": {"lamp": {"driver": "bh1750", "bus": "i2c0", "interval_s": 10}},
}
LAMP = {"chip": "bh1750", "name": "lamp", "bus": "i2c:0", "values": {"illuminance": 20}}
NEVER = 951868800  # 2000-03-01


def image(text, more=bytes(7) + RUNS):
    """16 registers; text: the first 7 in hex."""
    return bytes.fromhex(text) + more


# Seconds from `date -u -d … +%s`.
VECTORS = (
    ("00000003010300", 951868800),  # 2000-03-01 00:00:00
    ("56341202240226", 1771936496),  # 2026-02-24 12:34:56
    ("59592304311226", 1798761599),  # 2026-12-31 23:59:59
    ("00000005010127", 1798761600),  # a second later
    ("01020302290228", 1835406121),  # 2028-02-29 03:02:01
    ("00000003010328", 1835481600),  # the day after
    ("07140302190138", 2147483647),  # 2038-01-19 03:14:07, the last second of 31 bits
    ("08140302190138", 2147483648),
    ("59592304311299", 4102444799),  # 2099-12-31 23:59:59
)


def test_registers_are_unix_seconds_and_back():
    for text, seconds in VECTORS:
        not_before = max(NEVER, seconds - 100)
        assert ds3231.parse(image(text), not_before) == seconds, text
        assert ds3231.registers(seconds).hex() == text, (ds3231.registers(seconds), text)
    for seconds in range(NEVER, 4102444800, 86400 * 13 + 86399):
        assert ds3231.parse(image(ds3231.registers(seconds).hex()), seconds) == seconds
    for seconds in (NEVER - 1, 4102444800):
        refused(lambda seconds=seconds: ds3231.registers(seconds), "can't be set")


def test_the_12_hour_mode_of_another_program_is_understood():
    day = 1771891200  # 2026-02-24
    for hours, hour in ((0x52, 0), (0x41, 1), (0x51, 11), (0x72, 12), (0x61, 13), (0x71, 23)):
        data = image("0000%02x02240226" % hours)
        assert ds3231.parse(data, day - 100) == day + hour * 3600, hours
    for hours in (0x40, 0x53, 0x60, 0x73):
        refused(lambda hours=hours: ds3231.parse(image("0000%02x02240226" % hours), day - 100), "no date and time")


def test_what_is_no_time_is_refused():
    for text in (
        "ff" * 7, "00" * 7, "60000002240226", "00600002240226", "00002402240226", "5a000002240226", "00000002300226",
        "00000002310426", "00000002001226", "00000002010026", "00000002011326", "0000000224022a", "000000022402a6",
        "00000008240226", "00000000240226",
    ):  # fmt: skip
        refused(lambda text=text: ds3231.parse(image(text), NEVER), "no date and time", text)
    refused(lambda: ds3231.parse(image("56341202240226"), 1771936497), "2026-02-24")
    refused(lambda: ds3231.parse(image("00000004290201"), NEVER), "no date")  # 2001 has no 29 February
    refused(lambda: ds3231.parse(image("56341202248226"), NEVER), "2126-02-24")
    for more in (b"\x9c\x00", b"\x1c\x80", b"\x1c\x88"):
        refused(lambda more=more: ds3231.parse(image("56341202240226", bytes(7) + more), NEVER), "stood still")


def test_a_flipped_bit_gives_another_time_or_a_sentence_and_nothing_else():
    good = image("56341202240226")
    times = 0
    for wrong in one_bit_off(good):
        try:
            seconds = ds3231.parse(wrong, NEVER)
            assert NEVER <= seconds
            times += 1
        except ValueError as error:
            assert str(error).startswith("DS3231: ")
    assert 0 < times < 128


def known(chip, seconds):
    ds3231.Chip(platform.i2c(BUS)).write(seconds)
    return chip


def test_on_a_bad_line_it_gives_the_right_time_or_a_sentence():
    begin = clock.BUILD_TIME + 1000
    known(build(CHIP), begin)
    set_at = hardware.host_seconds()
    for kind, probability, least in (("flip", 0.3, 250), ("flip", 1, 150), ("nack", 0.1, 250), ("truncate", 0.3, 100)):
        build(CHIP, faults=[{"chip": "clock", "kind": kind, "probability": probability}])
        good = 0
        for _ in range(300):
            try:
                got = ds3231.Chip(platform.i2c(BUS)).read()
                assert abs(got - begin - (hardware.host_seconds() - set_at)) <= 1, (kind, got)
                good += 1
            except (OSError, ValueError) as error:
                assert str(error).startswith("DS3231"), error
            pass_time(3)
        assert good >= least, (kind, probability, good)


def test_the_chip_goes_on_over_power_cuts_and_stops_without_its_battery():
    begin = 1835395198  # 2028-02-28 23:59:58
    known(build(CHIP), begin)
    pass_time(3)
    assert world.chips[0].i2c_write(b"\0") is None and world.chips[0].i2c_read(7).hex() == "01000002290228"
    build(CHIP)
    pass_time(86400)
    assert ds3231.Chip(platform.i2c(BUS)).read() == begin + 86403
    build(dict(CHIP, battery=False))
    refused(lambda: ds3231.Chip(platform.i2c(BUS)).read(), "stood still")
    # The flag can be cleared and not set, and the oscillator can be told to rest on the battery.
    build(CHIP)
    platform.i2c(BUS).writeto_mem(0x68, 0x0F, b"\x80")
    assert ds3231.Chip(platform.i2c(BUS)).read() == begin + 86403
    platform.i2c(BUS).writeto_mem(0x68, 0x0E, b"\x9c")
    build(CHIP)
    refused(lambda: ds3231.Chip(platform.i2c(BUS)).read(), "stood still")


def test_a_chip_that_takes_no_time_is_said():
    chip = build(CHIP)
    chip.written = lambda register, value: None
    refused(lambda: known(chip, clock.BUILD_TIME + 1000), "DS3231")


# Whole boards

BEGIN = clock.BUILD_TIME + 100000
VIRTUAL_BEGIN = hardware.host_seconds()


def true_time():
    return BEGIN + hardware.host_seconds() - VIRTUAL_BEGIN


class Link(StandIn):
    """The broker's side: keeps what comes, and gives receipts where a test wants them."""

    packs = []
    receipts = None  # function -> the gateway's time

    def __init__(self, *, on_message, **_):
        self.on_message = on_message
        self.on_connect = []

    async def run(self):
        await asyncio.sleep(1)
        self.connected = True
        self.session = 1
        for told in self.on_connect:
            told(False)
        await asyncio.Event().wait()

    async def publish(self, topic, payload, retain=False):
        if topic.endswith("/readings"):
            pack = json.loads(payload)
            Link.packs.append(pack)
            if Link.receipts:
                receipt = {"boot": pack[0]["v"], "seq": pack[1]["v"], "time": Link.receipts()}
                self.on_message("x/receipt", json.dumps(receipt).encode())


use(Link)


def boot(seconds=30, chips=(CHIP,), config=CONFIG, power_cut=True, receipts=None, faults=()):
    """A start; returns the board. Its log is in log._lines."""
    if power_cut:
        platform.rtc_memory(b"")
        hardware.set_rtc(946684800)
    world.load({"chips": list(chips) + [LAMP], "faults": list(faults)})
    for name in ("ca.der", "device.der", "device.key.der"):
        open(name, "w").close()
    with open("config.json", "w") as file:
        json.dump(config, file)
    log._lines.clear()
    Link.packs, Link.receipts = [], receipts
    return live(app.App(), seconds, lambda: False)


def said(*words):
    return [line for line in log._lines if all(word in line for word in words)]


def test_after_a_power_cut_the_board_has_the_right_time_at_once():
    flash.mount()
    begun = true_time()
    known(build(CHIP), begun)
    for _ in range(3):
        pass_time(5000)
        begun = true_time()
        boot()
        assert clock.quality() == "set" and abs(clock.now() - true_time()) <= 1
        first = next(pack for pack in Link.packs if pack[0]["v"] == clock.boot())
        assert not [record for record in first if record["n"] == "clock"] and 0 <= first[0]["bt"] - begun < 15, first
        assert abs(hardware.rtc_seconds() - true_time()) <= 1  # TLS asks that one
        assert "bordstein.ds3231" not in sys.modules
        assert said("set by ds3231") and not said("is set")
    boot(config=dict(CONFIG, time={}))
    assert clock.quality() == "estimated" and not said("ds3231")


def test_a_receipt_sets_board_and_chip_and_corrects_the_chip():
    flash.mount()
    boot(receipts=true_time)
    assert clock.quality() == "set" and len(said("stood still")) == 2 and len(said("DS3231 is set")) == 1
    pass_time(1000)
    boot(receipts=true_time)
    assert said("set by ds3231") and not said("set by receipt") and abs(clock.now() - true_time()) <= 1
    # The chip ran away: within the slack it is believed, beyond it the receipt goes before.
    for wrong, corrected in ((4, False), (-4, False), (9, True), (4000, True)):
        known(build(CHIP), true_time() + wrong)
        boot(receipts=true_time)
        assert bool(said("set by receipt")) == bool(said("DS3231 is set")) == corrected, (wrong, log._lines)
        assert (abs(ds3231.Chip(platform.i2c(BUS)).read() - true_time()) <= 1) == corrected


def test_sntp_corrects_the_chip_by_seconds():
    flash.mount()
    for wrong, corrected in ((0, False), (1, False), (3, True), (-3, True)):
        known(build(CHIP), true_time() + wrong)
        boot(5)
        assert clock.set_utc(true_time(), "sntp")
        assert bool(said("DS3231 is set")) == corrected, (wrong, log._lines)
        assert "bordstein.ds3231" not in sys.modules
        assert abs(ds3231.Chip(platform.i2c(BUS)).read() - true_time()) <= 1


def test_a_chip_that_was_stopped_is_set_after_a_reset_from_the_clock_that_outlived_it():
    flash.mount()
    boot(receipts=true_time, chips=())
    assert clock.quality() == "set" and len(said("DS3231", "no answer")) == 2
    boot(chips=(dict(CHIP, name="new"),), power_cut=False)
    assert len(said("DS3231", "stood still")) == 1 and said("DS3231 is set")
    assert abs(ds3231.Chip(platform.i2c(BUS)).read() - true_time()) <= 1


def test_without_a_chip_that_is_any_good_the_board_goes_on_as_without_it():
    flash.mount()
    known(build(CHIP), clock.BUILD_TIME)
    wrong = dict(CHIP, name="old")
    build(wrong)
    platform.i2c(BUS).writeto_mem(0x68, 0, bytes.fromhex("00000006010121"))
    platform.i2c(BUS).writeto_mem(0x68, 0x0F, b"\0")
    for chips, fault, words in (
        ((), None, "no answer"),
        ((CHIP,), "dead", "no answer"),
        ((CHIP,), "nack", "no answer"),
        ((dict(CHIP, battery=False),), None, "stood still"),
        ((wrong,), None, "2021-01-01"),
        ((CHIP,), "truncate", "DS3231"),
    ):
        faults = [{"chip": "clock", "kind": fault}] if fault else []
        board = boot(chips=chips, faults=faults)
        assert len(said("DS3231")) == 1 and words in said("DS3231")[0], log._lines
        assert clock.quality() != "set" and board.spool.packs > 0 and not board.state.problems
        assert board.state.word == "ready"
