"""A board that sleeps: what it reads and sends, what wakes it, what it keeps over sleep. For MicroPython."""
# heapsize: 2M

import json

import sleeper
from sleeper import MQTT, ROAD, ROAD_CHIP, Board, chip, true_time, virtual

from bordstein import platform

SLEEP = {"every_s": 600, "send_each": 6}


def road(**sleep):
    return {"sensors": {"road": ROAD}, "sleep": dict(SLEEP, **sleep)}


def gaps(readings):
    """Seconds between them."""
    return [readings[i + 1][0] - readings[i][0] for i in range(len(readings) - 1)]


def test_every_reading_comes_once_with_its_time_in_one_boot():
    board = Board(road(), [ROAD_CHIP])
    first = board.start()
    assert board.ended and 290 < board.awake_s < 330 and board.slept_s <= 302
    assert first.spool.boot == 1 and board.town.states()[-1]["state"] == "sleeping"
    begun = true_time()
    starts = board.live(24 * 3600)
    assert 144 <= starts <= 145
    readings = board.town.series("road/road_surface_temperature")
    assert 139 <= len(readings) <= 146 and all(value == 3.5 for _, value in readings)
    assert max(gaps(readings[2:])) <= 602 and min(gaps(readings[2:])) >= 598, readings
    assert len(board.town.packs.runs) == 1 and board.town.packs.runs[0][:2] == [1, 0] and not board.town.doubled
    assert 24 <= board.town.connections <= 26
    last = board.town.states()[-1]
    assert last["reset"] == "power-on" and last["interval"] == {"road": 600} and last["next"][0] == 1
    assert 0 < last["wake"] - begun <= 26 * 3600


def test_a_wake_up_that_only_samples_loads_no_network_and_leaves_flash_alone():
    board = Board(dict(road(), spool={"batch_s": 7200}), [ROAD_CHIP])
    board.live(6 * 3600)
    while board.start().link is None:
        pass
    before = board.disk.operations
    for _ in range(5):
        app = board.start()
        assert board.ended and app.link is None and board.awake_s <= 3 and app.spool.batched and not app.spool._opened
    assert board.disk.operations - before <= 12  # the clock's file, once an hour
    app = board.start()
    assert app.link.session == 1 and not app.spool.packs and not app.spool.batched and board.awake_s < 12
    assert board.disk.operations - before <= 24 and not board.town.doubled


def test_the_next_wake_up_is_told_and_kept():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    for _ in range(18):
        told = board.town.states()[-1]["wake"]
        before = board.town.connections
        begun = true_time()
        board.start()
        if board.town.connections > before:
            assert abs(told - begun) <= 3, (told, begun)


def test_what_reset_it_and_the_numbers_of_its_sensors_outlive_sleep():
    board = Board(road(send_each=1), [dict(ROAD_CHIP, name="cold"), ROAD_CHIP])
    board.start(cause="hard")
    board.start()
    assert board.town.states()[-1]["reset"] == "hard" and board.town.states()[-1]["state"] == "sleeping"


def test_any_start_that_ends_no_sleep_is_a_boot_of_its_own():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    board.start()
    app = board.start(cause="watchdog")
    assert app.spool.boot == 2 and app.cause == "watchdog" and board.awake_s < 30
    app = board.start()
    assert app.spool.boot == 2
    board.power_cut()
    app = board.start()
    assert app.spool.boot == 3 and board.awake_s > 290 and [run[0] for run in board.town.packs.runs] == [1, 2, 3]
    assert len(sleeper.numbers(board.town.packs)) == board.town.states()[-1]["taken"]


def test_a_town_that_is_not_there_is_asked_less_and_less_often_and_gets_everything_in_the_end():
    board = Board(road(limit_s=60), [ROAD_CHIP])
    board.start()
    board.town.there = False
    awake = 0
    for _ in range(3 * 144):
        board.start()
        awake += board.awake_s
    assert awake < 3 * 144 * 3 + 18 * 65, awake
    board.town.there = True
    board.live(7 * 3600)
    readings = board.town.series("road/road_surface_temperature")
    assert len(readings) > 3 * 144 + 36 and not board.town.doubled
    assert max(gaps(readings[2:])) <= 602
    assert board.start().spool.boot == 1


def test_without_receipts_a_board_goes_back_to_sleep_and_sends_again():
    board = Board(road(send_each=2, limit_s=30), [ROAD_CHIP])
    board.start()
    board.town.answering = False
    board.start()
    app = board.start()
    assert app.link.session and app.spool.packs == 2 and 30 <= board.awake_s < 45
    board.town.answering = True
    doubled = board.town.doubled
    board.start()
    app = board.start()
    assert app.spool.packs == 0 and board.town.doubled == doubled + 2 and not app.cycle._fails


def test_what_was_settled_is_not_sent_again_after_a_sleep():
    board = Board(road(send_each=1), [ROAD_CHIP])
    board.live(5 * 3600)
    assert len(sleeper.numbers(board.town.packs)) >= 29 and not board.town.doubled


def test_what_moves_is_told_at_once():
    spec = {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "values": {"temperature": 3.5}}
    sensor = dict(ROAD, interval_s=3600, sample_s=600, deadband=100)
    board = Board({"sensors": {"road": sensor}, "sleep": dict(SLEEP, send_each=36)}, [spec])
    board.start()
    board.live(7000)
    before = board.town.connections
    values = sleeper.world.chips[0].spec["values"]
    values["temperature"] = 3.9
    board.start()
    assert board.town.connections == before
    values["temperature"] = 5.0
    app = board.start()
    assert board.town.connections == before + 1 and not app.spool.packs
    assert board.town.series("road/road_surface_temperature")[-1][1] == 5.0
    values["temperature"] = 5.2
    board.start()
    assert board.town.connections == before + 1


def test_a_clock_that_runs_fast_or_slow_in_sleep_is_put_right_and_no_time_is_used_twice():
    for drift in (-3, 3):
        board = Board(road(), [ROAD_CHIP], drift=drift)
        board.live(48 * 3600)
        readings = board.town.series("road/road_surface_temperature")
        assert len(readings) > 270 and abs(readings[-1][0] - true_time()) < 4500
        assert len(board.town.packs.runs) == 1
        assert len({time for time, _ in readings}) == len(readings)


def test_readings_before_the_first_time_are_put_right():
    board = Board(road(send_each=1, limit_s=60), [ROAD_CHIP])
    board.town.there = False
    begun = true_time()
    board.start()
    for _ in range(4):
        app = board.start()
    assert app.spool.packs >= 3 and app.spool.boot == 1
    board.town.there = True
    board.live(3600 * 3)
    readings = board.town.series("road/road_surface_temperature")
    assert abs(readings[0][0] - begun) < 15 and len(readings) > 15
    assert max(gaps(readings[1:])) <= 602


def test_commands_and_configuration_that_wait_are_fetched():
    board = Board(road(send_each=3), [ROAD_CHIP])
    board.start()
    board.town.queue.append(("command", b'{"id":"s","do":"sample"}'))
    board.town.queue.append(("command", b'{"id":"i","do":"identify","seconds":5}'))
    board.live(2000)
    results = {message["id"]: message["ok"] for topic, message in board.town.told if topic == "command/result"}
    assert results == {"s": True, "i": True}
    with open("config.json") as file:
        config = json.load(file)
    config["sleep"] = {"every_s": 1200, "send_each": 2}
    board.town.kept["config"] = json.dumps({"version": 7, "config": config}).encode()
    board.live(2400)
    with open("config.json") as file:
        assert json.load(file)["sleep"]["every_s"] == 1200
    reports = [message for topic, message in board.town.told if topic == "config/reported"]
    assert reports[-1]["ok"] and reports[-1]["version"] == 7
    board.start()
    assert board.start().cycle and board.slept_s > 1190


def test_a_retained_configuration_is_followed_once_and_not_at_each_wake_up():
    board = Board(road(send_each=1), [ROAD_CHIP])
    board.town.kept["config"] = b'{"version": 3, "config": {"nonsense": 1}}'
    board.start()
    board.live(6000)
    reports = [message for topic, message in board.town.told if topic == "config/reported"]
    assert board.town.connections > 9 and len([report for report in reports if report["version"] == 3]) <= 2
    assert reports[-1]["ok"] is False


def test_a_tip_that_wakes_is_counted_and_the_board_sleeps_on():
    sensors = {"rain": {"driver": "rain", "pin": 27, "tip_nm": 1000000, "interval_s": 600, "wake": True}}
    tips = {"chip": "pulse", "name": "rain", "bus": "pin:27", "step_s": 1, "scale": 0.01, "values": {"per_row": 1}}
    board = Board({"sensors": sensors, "sleep": SLEEP}, [tips])
    starts = board.live(12 * 3600)
    fallen = sum(value for _, value in board.town.series("rain/precipitation"))
    counted = sleeper.world.chips[0].pulses
    assert counted > 420 and starts > 400
    assert 0 <= counted - fallen <= 70, (counted, fallen)  # not yet sent: an hour's


def test_a_contact_that_stays_closed_does_not_keep_it_awake():
    sensors = {"rain": {"driver": "rain", "pin": 27, "interval_s": 600, "wake": True}}
    board = Board({"sensors": sensors, "sleep": dict(SLEEP, send_each=1)}, [])
    board.start()
    chip.levels[27] = 0
    starts = board.live(3600)
    assert starts <= 8
    chip.levels[27] = 1
    board.live(1300)
    assert sum(value for _, value in board.town.series("rain/precipitation")) <= 0.3


BAY = {"driver": "rm3100", "bus": "i2c0", "interval_s": 3600, "sample_s": 60, "threshold_nt": 6000}
BAY_CHIP = {"chip": "rm3100", "name": "bay", "bus": "i2c:0", "address": 0x20, "values": {"occupied": 0}}


def test_a_bay_is_decided_over_several_wake_ups_and_told_at_once_and_unknown_after_a_boot():
    board = Board({"sensors": {"bay": BAY}, "sleep": {"every_s": 60, "send_each": 60}}, [BAY_CHIP])
    board.live(1800)
    states = [value for _, value in board.town.series("bay/parking_bay_occupied")]
    assert states and not any(states)
    sleeper.world.chips[0].spec["values"]["occupied"] = 1
    before = board.town.connections
    board.live(170)
    assert board.town.connections == before
    board.live(200)
    states = [value for _, value in board.town.series("bay/parking_bay_occupied")]
    assert states[-1] is True and board.town.connections == before + 1
    known = len(states)
    board.power_cut()
    sleeper.world.chips[0].spec["values"]["occupied"] = 1
    begun = true_time()
    board.start()
    board.live(120)
    later = board.town.series("bay/parking_bay_occupied")[known:]
    assert later and all(time - begun >= 8 for time, _ in later), (begun, later)  # not before four looks at it


def test_starts_that_end_early_lead_to_safe_mode_which_sleeps_too():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    for _ in range(5):
        board.start(seconds=1, cause="watchdog")
        assert not board.ended
    app = board.start(cause="watchdog")
    assert app.guard.safe and board.ended and board.awake_s < 60 and board.slept_s == 900
    assert any("safe mode" in problem for problem in board.town.states()[-1]["problems"])
    app = board.start()
    assert not app.guard.safe and board.ended
    board.live(7200)
    assert board.start().guard.unhealthy == 0


def test_a_board_without_a_broker_samples_and_sleeps():
    board = Board({"mqtt": {"host": 5}, "sensors": {"road": ROAD}, "sleep": SLEEP}, [ROAD_CHIP])
    starts = board.live(7200)
    app = board.start()
    assert 12 <= starts <= 14 and app.spool.taken >= 12 and MQTT


def test_a_sensor_that_is_not_there_costs_little_time_and_is_counted():
    board = Board(road(send_each=2), [])
    board.start()
    awake = []
    for _ in range(12):
        board.start()
        awake.append(board.awake_s)
    assert max(awake) < 15, awake
    healths = [message for topic, message in board.town.told if topic == "health"]
    errors = [record["v"] for record in healths[-1] if record["n"] == "health/errors/road"]
    assert errors[0] > 12 and virtual.now_ms and platform.RTC_BYTES == 2048
