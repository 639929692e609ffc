"""The pure parts of the sensor drivers under CPython: published vectors, every flipped bit, and property tests.

The same modules run in MicroPython in mpy_sensor_*.py.
"""

import json
import math
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein.sensors import a02yyuw, bme280, ds18b20, rm3100, sds011  # noqa: E402
from bordstein.sensors.shared import calibration, numbers, ultrasonic  # noqa: E402
from bordstein.sensors.shared.bay import Bay  # noqa: E402
from bordstein.sensors.shared.pulses import Counter  # noqa: E402
from bordstein.sensors.shared.serial import Framer, median  # noqa: E402

VECTORS = ROOT / "tests" / "data" / "vectors"


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def one_bit_off(data):
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        yield bytes(wrong)


# BME280

# Humidity words of the forum's chip, for vectors that have none of their own.
FORUM_HUMIDITY = (75, 357, 0, 331, 0, 30)


def test_bme280_data_sheet_example():
    example = vectors("bme280")["datasheet"]
    cal = (*example["calibration"], *FORUM_HUMIDITY)
    assert bme280.calibration(bytes.fromhex(example["first_bytes"]) + b"\x00\x4b", bytes(7))[:12] == cal[:12]
    assert bme280.fine_temperature(example["adc_t"], cal) == example["t_fine"]
    temperature, _, pressure = bme280.compensate(example["adc_t"], example["adc_p"], 30000, cal)
    assert (temperature, pressure) == (example["centi_celsius"], example["pascal"])


def test_bme280_raw_bytes_of_a_real_chip_give_its_weather():
    real = vectors("bme280")["forum"]
    cal = bme280.calibration(bytes.fromhex(real["first"]), bytes.fromhex(real["second"]))
    adc = bme280.parse(bytes.fromhex(real["data"]))
    assert bme280.compensate(*adc, cal) == (real["centi_celsius"], real["centi_percent"], real["pascal"])


def test_bme280_log_of_a_second_real_chip():
    log = vectors("bme280")["log"]
    cal = (*log["calibration"], *FORUM_HUMIDITY)
    for read in log["reads"]:
        temperature, _, pressure = bme280.compensate(read["adc_t"], read.get("adc_p", 383738), 30000, cal)
        assert temperature == read["centi_celsius"]
        if "pascal" in read:
            assert abs(pressure - read["pascal"]) <= 1  # the log was printed with hundredths of a hPa


@pytest.mark.parametrize(
    ("e4", "e5", "e6", "h4", "h5"),
    [
        (0x14, 0x0B, 0x00, 331, 0),
        (0xEC, 0x4F, 0xFF, -305, -12),
        (0x80, 0x00, 0x80, -2048, -2048),
        (0x7F, 0xFF, 0x7F, 2047, 2047),
    ],
)
def test_bme280_h4_and_h5_are_signed(e4, e5, e6, h4, h5):
    cal = bme280.calibration(bytes(26), bytes([0x65, 0x01, 0x00, e4, e5, e6, 0xE2]))
    assert cal[15:] == (h4, h5, -30)


@pytest.mark.parametrize("data", ["800000817fb07913", "5533808000007913", "553380817fb08000"])
def test_bme280_skipped_measurement_is_refused(data):
    with pytest.raises(ValueError, match="skipped"):
        bme280.parse(bytes.fromhex(data))


def test_bme280_impossible_results_are_refused_not_clamped():
    real = vectors("bme280")["forum"]
    cal = bme280.calibration(bytes.fromhex(real["first"]), bytes.fromhex(real["second"]))
    with pytest.raises(ValueError, match="°C"):
        bme280.compensate(0xFFFFF, 348984, 30995, cal)
    with pytest.raises(ValueError, match="Pa"):
        bme280.compensate(530427, 0, 30995, cal)
    with pytest.raises(ValueError, match="calibration"):
        bme280.compensate(0, 0, 0, (0,) * 18)


@given(st.integers(0, 0xFFFFF), st.integers(0, 0xFFFFF), st.integers(0, 0xFFFF), st.binary(min_size=33, max_size=33))
def test_bme280_gives_values_in_range_or_a_sentence_whatever_it_reads(adc_t, adc_p, adc_h, words):
    try:
        temperature, humidity, pressure = bme280.compensate(
            adc_t, adc_p, adc_h, bme280.calibration(words[:26], words[26:])
        )
    except ValueError as error:
        assert str(error).startswith("BME280: ")
    else:
        assert -4000 <= temperature <= 8500
        assert 0 <= humidity <= 10000
        assert 30000 <= pressure <= 110000


# SDS011

SDS011_FRAMES = [*vectors("sds011")["captured"]["frames"], *vectors("sds011")["manual"]["frames"]]


@pytest.mark.parametrize("vector", SDS011_FRAMES)
def test_sds011_frames_and_every_flipped_bit(vector):
    frame = bytes.fromhex(vector["frame"])
    assert sds011.checked(frame)
    assert sds011.parse(frame) == (vector["pm2_5"], vector["pm10"])
    for wrong in one_bit_off(frame):
        assert not sds011.checked(wrong)
        with pytest.raises(ValueError, match="SDS011"):
            sds011.parse(wrong)


def test_sds011_commands():
    # The manual's query, and the two that switch the laser.
    assert sds011.command(4).hex() == vectors("sds011")["manual"]["query"]
    assert sds011.SLEEP.hex() == "aab406010000000000000000000000ffff05ab"
    assert sds011.WAKE.hex() == "aab406010100000000000000000000ffff06ab"


def test_sds011_beyond_its_range_is_refused():
    data = (10000).to_bytes(2, "little") + b"\x10\x00\xa1\x60"
    with pytest.raises(ValueError, match="range"):
        sds011.parse(b"\xaa\xc0" + data + bytes([sum(data) & 255, 0xAB]))


# A02YYUW


def test_a02yyuw_frame_and_every_flipped_bit():
    for vector in vectors("a02yyuw")["good"]:
        frame = bytes.fromhex(vector["frame"])
        assert a02yyuw.parse(frame) == vector["mm"]
        for wrong in one_bit_off(frame):
            assert not ultrasonic.checked(wrong)
            with pytest.raises(ValueError, match="A02YYUW"):
                a02yyuw.parse(wrong)


@pytest.mark.parametrize(("mm", "good"), [(0, False), (29, False), (30, True), (4500, True), (4501, False)])
def test_a02yyuw_takes_only_what_it_can_measure(mm, good):
    frame = b"\xff" + mm.to_bytes(2, "big")
    frame += bytes([sum(frame) & 255])
    if good:
        assert a02yyuw.parse(frame) == mm
    else:
        with pytest.raises(ValueError, match=f"{mm} mm"):
            a02yyuw.parse(frame)


# DS18B20


def test_ds18b20_scratchpads():
    data = vectors("ds18b20")
    for vector in data["good"]:
        assert ds18b20.parse(bytes.fromhex(vector["scratchpad"])) == vector["centi_celsius"]
    for scratchpad in data["bad_crc"]:
        with pytest.raises(ValueError, match="check sum"):
            ds18b20.parse(bytes.fromhex(scratchpad))
    for rom in data["roms"]:
        assert ds18b20.crc8(bytes.fromhex(rom)) == 0


def test_ds18b20_power_on_value_is_refused_unless_it_is_really_that_hot():
    scratchpad = bytes.fromhex(vectors("ds18b20")["power_on"]["scratchpad"])
    for before in (None, 2000, 7900):
        with pytest.raises(ValueError, match="power-on"):
            ds18b20.parse(scratchpad, before)
    assert ds18b20.parse(scratchpad, 8431) == 8500
    # After a conversion that ended at 85 °C the chip itself shows the difference, in byte 6.
    converted = bytearray(scratchpad[:8])
    converted[6] = 0x10
    assert ds18b20.parse(bytes([*converted, ds18b20.crc8(converted)])) == 8500


@pytest.mark.parametrize("vector", vectors("ds18b20")["good"])
def test_ds18b20_every_flipped_bit_is_refused(vector):
    for wrong in one_bit_off(bytes.fromhex(vector["scratchpad"])):
        with pytest.raises(ValueError, match="DS18B20"):
            ds18b20.parse(wrong)


def test_ds18b20_shorted_line_is_refused():
    with pytest.raises(ValueError, match="short"):
        ds18b20.parse(bytes(9))
    with pytest.raises(ValueError, match="DS18B20"):
        ds18b20.parse(b"\xff" * 9)


@given(st.integers(-55 * 16, 125 * 16))
def test_ds18b20_all_sixteenths_of_a_degree(raw):
    scratchpad = (raw & 0xFFFF).to_bytes(2, "little") + b"\x4b\x46\x7f\xff" + bytes([0x10 - (raw & 15)]) + b"\x10"
    value = ds18b20.parse(scratchpad + bytes([ds18b20.crc8(scratchpad)]))
    assert value == math.floor(raw * 100 / 16 + 0.5)


# Frames out of a stream


def framer_of(module):
    return Framer(module._HEAD, module._LENGTH, module.checked)


@given(st.binary(max_size=40), st.lists(st.integers(1, 12)))
def test_sds011_frame_after_noise_is_found_however_the_bytes_arrive(noise, cuts):
    frame = bytes.fromhex("aac0d4043a0aa1601dab")
    # After noise that looks like the start of a frame, one good frame may be swallowed, never two.
    stream = noise + frame + frame
    framer = framer_of(sds011)
    found = []
    for cut in cuts:
        found += framer.feed(stream[:cut])
        stream = stream[cut:]
    found += framer.feed(stream)
    assert found[-1:] == [frame]


@given(st.integers(0, 9), st.lists(st.integers(0, 79), min_size=1, max_size=1))
def test_sds011_stream_is_in_step_again_with_the_frame_after_a_damaged_one(length, bits):
    good = bytes.fromhex("aac08c009400bcf9d5ab")
    framer = framer_of(sds011)
    damaged = list(one_bit_off(good))[bits[0]]
    assert framer.feed(damaged + good) == [good]
    assert framer.feed(good[:length] + good) == [good]


@given(st.integers(30, 4500), st.integers(0, 3))
@example(511, 1)
def test_a02yyuw_stream_is_in_step_again_within_two_frames(mm, length):
    frame = b"\xff" + mm.to_bytes(2, "big")
    frame += bytes([sum(frame) & 255])
    found = framer_of(ultrasonic).feed(frame[:length] + frame + frame)
    assert found[-1] == frame


@given(st.binary(max_size=200))
def test_a_stream_of_noise_gives_only_checked_frames_and_keeps_less_than_one(noise):
    for module in (sds011, ultrasonic):
        framer = framer_of(module)
        assert all(module.checked(frame) for frame in framer.feed(noise))
        assert len(framer._buffer) < module._LENGTH


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_median_is_one_of_the_values_with_as_many_below_as_above(values):
    middle = median(values)
    assert middle in values
    assert sum(value < middle for value in values) <= len(values) // 2
    assert sum(value > middle for value in values) <= len(values) // 2


# RM3100

EARTH = (18900, 1100, 45200)
CAR = (11400, 5100, 66200)


def samples(bay, field, count, elapsed_ms=1000):
    """Feeds the same field again and again; returns the changes of state."""
    return [bay.state for _ in range(count) if bay.feed(field, elapsed_ms)]


def taught_bay():
    bay = Bay()
    assert samples(bay, EARTH, 20) == [False]
    return bay


def test_rm3100_raw_counts_are_75_to_the_microtesla_and_signed():
    assert rm3100.parse(b"\x00\x05\x89\xff\xff\xb5\x00\x0d\x3e") == (18893, -1000, 45200)
    with pytest.raises(ValueError, match="no field"):
        rm3100.parse(bytes(9))
    with pytest.raises(ValueError, match="range"):
        rm3100.parse(b"\x7f\xff\xff" + bytes(6))


def test_rm3100_state_is_unknown_until_decided():
    bay = Bay()
    states = []
    for _ in range(20):
        bay.feed(EARTH, 1000)
        states.append(bay.state)
    assert states.index(False) >= 10
    assert set(states[: states.index(False)]) == {None}


def test_rm3100_car_comes_and_goes():
    bay = taught_bay()
    assert samples(bay, CAR, 10) == [True]
    assert samples(bay, EARTH, 10) == [False]


def test_rm3100_passing_car_is_not_a_parked_one():
    bay = taught_bay()
    for _ in range(20):
        assert samples(bay, CAR, 3) == []
        assert samples(bay, EARTH, 5) == []


def test_rm3100_between_the_thresholds_nothing_changes():
    between = (EARTH[0] + 4000, EARTH[1], EARTH[2])
    bay = taught_bay()
    assert samples(bay, between, 100) == []
    samples(bay, CAR, 10)
    assert samples(bay, between, 100) == []
    assert bay.state is True


def test_rm3100_baseline_follows_a_days_drift():
    bay = taught_bay()
    for minute in range(24 * 60):
        drift = int(5000 * math.sin(minute / 24 / 60 * 2 * math.pi))
        assert not bay.feed((EARTH[0] + drift, EARTH[1] - drift, EARTH[2]), 60000)
    assert bay.state is False


def test_rm3100_parked_car_is_never_learned():
    bay = taught_bay()
    before = bay.baseline
    assert samples(bay, CAR, 14 * 24 * 60, 60000) == [True]
    assert bay.baseline == before
    assert samples(bay, EARTH, 10) == [False]


def test_rm3100_restart_alone_never_says_occupied():
    # Without a known baseline, whatever lies over the bay.
    for field in (EARTH, CAR):
        assert True not in samples(Bay(), field, 1000)
    # With one: only what is measured decides, and not with the first samples.
    bay = Bay(baseline=EARTH)
    assert samples(bay, CAR, 3) == [] and bay.state is None
    assert samples(bay, CAR, 10) == [True]
    assert samples(Bay(baseline=EARTH), EARTH, 10) == [False]


def test_rm3100_baseline_is_not_learned_from_a_moving_field():
    bay = Bay()
    for i in range(200):
        bay.feed(CAR if i // 5 % 2 else EARTH, 1000)
    assert bay.baseline is None and bay.state is None


@given(st.lists(st.tuples(*[st.integers(-800000, 800000)] * 3), max_size=60))
def test_rm3100_state_changes_only_after_enough_samples_agree(fields):
    bay = Bay(baseline=EARTH)
    votes = []
    for field in fields:
        before = bay.state
        changed = bay.feed(field, 1000)
        votes.append(None if 3000 <= bay.deviation < 6000 else bay.deviation >= 6000)
        assert changed == (bay.state is not before)
        if changed:
            assert votes[-5:].count(bay.state) >= 4


def test_a_file_of_numbers_is_whole_or_ignored(tmp_path):
    path = str(tmp_path / "baseline")
    assert numbers.load(path, 3) is None
    numbers.store(path, (18900, -1100, 45200))
    assert numbers.load(path, 3) == (18900, -1100, 45200)
    assert numbers.load(path, 2) is None
    whole = Path(path).read_text()
    for length in range(len(whole)):
        Path(path).write_text(whole[:length])
        assert numbers.load(path, 3) is None
    Path(path).write_text("hello there")
    assert numbers.load(path, 3) is None


def test_a_calibration_counts_until_the_configuration_is_changed(tmp_path):
    path, keys = str(tmp_path / "soil"), ("raw_dry", "raw_wet")
    told = {"raw_dry": 2300, "raw_wet": 1000, "pin": 33}
    assert calibration.calibrated(path, told, keys) == told
    calibration.keep(path, told, keys, "raw_dry", 2500)
    assert calibration.calibrated(path, told, keys) == {**told, "raw_dry": 2500}
    calibration.keep(path, told, keys, "raw_wet", 900)
    assert calibration.calibrated(path, told, keys) == {**told, "raw_dry": 2500, "raw_wet": 900}
    changed = {**told, "raw_wet": 1100}
    assert calibration.calibrated(path, changed, keys) == changed


# Pulses

WRAP = 1 << 30


def wrapping_diff(later, earlier):
    return ((later - earlier + WRAP // 2) & (WRAP - 1)) - WRAP // 2


@given(st.lists(st.tuples(st.integers(50, 100000), st.integers(0, 5), st.booleans())), st.integers(0, WRAP - 1))
def test_pulse_counts_each_pulse_once_whatever_bounces_and_whenever_it_is_read(pulses, now):
    counter = Counter(50, wrapping_diff)
    taken = 0
    for gap, bounces, read in pulses:
        now = (now + gap) % WRAP
        counter.edge(now)
        for _ in range(bounces):
            now = (now + 3) % WRAP
            counter.edge(now)
        if read:
            taken += counter.take()
    assert taken + counter.take() == len(pulses)
    assert counter.take() == 0


def test_pulse_that_comes_in_the_middle_of_a_read_is_not_lost():
    class Interrupted(Counter):
        """An edge before and after each attribute that take() writes, as an interrupt may come anywhere."""

        def __setattr__(self, name, value):
            self.interrupt()
            super().__setattr__(name, value)
            self.interrupt()

        def interrupt(self):
            if self.__dict__.get("armed"):
                self.__dict__["armed"] = False
                self.__dict__["now"] += 1000
                self.edge(self.now)
                self.__dict__["sent"] += 1
                self.__dict__["armed"] = True

    counter = Interrupted(50, wrapping_diff)
    counter.__dict__.update(armed=True, now=0, sent=0)
    taken = sum(counter.take() for _ in range(10))
    assert counter.sent >= 20
    counter.__dict__["armed"] = False
    assert taken + counter.take() == counter.sent
