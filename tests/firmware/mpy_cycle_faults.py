"""A board that sleeps when things go wrong: no network, contacts that bounce, errors, damaged RTC memory, power cuts.
For MicroPython."""
# heapsize: 2M

import json
import os

import sleeper
from sleeper import ROAD, ROAD_CHIP, Board, chip, true_time, virtual

from bordstein import clock, cycle, platform, retained, spool

SLEEP = {"every_s": 600, "send_each": 6}
chip._LOOK_MS = 1000  # at the pin that wakes; nothing here closes it in the middle of a sleep


def road(**sleep):
    return {"sensors": {"road": ROAD}, "sleep": dict(SLEEP, **sleep)}


def awake(board, starts):
    """Seconds that these starts took, one by one."""
    times = []
    for _ in range(starts):
        board.start()
        assert board.ended
        times.append(board.awake_s)
    return times


# Going back to sleep


def test_readings_that_come_while_nobody_is_reached_do_not_keep_a_board_awake():
    config = {"sensors": {"road": dict(ROAD, interval_s=60)}, "sleep": {"every_s": 60, "send_each": 1}}
    board = Board(config, [ROAD_CHIP])
    board.start()
    board.town.there = False
    assert max(awake(board, 8)) < 190


def test_a_broker_that_hangs_up_again_and_again_does_not_keep_a_board_awake():
    board = Board(road(send_each=1), [ROAD_CHIP])
    board.start()
    board.town.answering = False

    async def flap(app):
        while True:
            await sleeper.asyncio.sleep(4)
            app.link.connected = False

    for _ in range(3):
        board.start(script=flap)
        assert board.awake_s < 200, board.awake_s


def test_a_sensor_that_is_read_each_second_does_not_keep_a_board_awake():
    sensors = {"road": dict(ROAD, interval_s=1)}
    board = Board({"sensors": sensors, "sleep": {"every_s": 30, "send_each": 1, "stay_s": 0}}, [ROAD_CHIP])
    assert max(awake(board, 8)) < 15
    readings = board.town.series("road/road_surface_temperature")
    assert 6 <= len(readings) <= 16, readings


def test_a_chip_that_hangs_does_not_let_the_watchdog_bite():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    bitten = []

    async def hang(app):
        sensor = app.sampler.sensors["road"]

        async def never():
            await sleeper.asyncio.sleep(10000)

        sensor.prepare = never
        await sleeper.asyncio.sleep(119)
        bitten.append(True)

    board.start(script=hang)
    assert board.ended and not bitten and board.slept_s < 600
    assert board.start().spool.boot == 1


def test_an_update_whose_broker_is_gone_does_not_keep_a_board_awake():
    board = Board(road(send_each=1), [ROAD_CHIP])
    board.start()
    offer = {"order": clock.BUILD_TIME, "version": "99.0.0", "sha256": "00"}
    board.town.kept["release"] = json.dumps(offer).encode()

    async def cut(app):
        while not app.update:
            await sleeper.asyncio.sleep_ms(100)
        board.town.there = False

    board.start(script=cut)
    assert board.ended and board.awake_s < 250 and board.start().spool.boot == 1


def test_a_trial_of_new_software_holds_the_board_whatever_is_offered_and_reached():
    board = Board(road(send_each=1, limit_s=30), [ROAD_CHIP])
    board.start()
    board.town.there = False

    class Trial:
        offer = b"{}"
        fetching = False

    async def on_trial(app):
        app.update = Trial
        await sleeper.asyncio.sleep(900)
        app.update = None

    board.start(script=on_trial)
    assert 900 <= board.awake_s < 940


def test_a_waking_sensor_that_is_none_does_not_keep_a_board_awake():
    sensors = {"rain": {"driver": "rain", "pin": 24, "interval_s": 86400, "wake": True}}
    board = Board({"sensors": sensors, "sleep": SLEEP}, [])
    board.start()
    assert max(awake(board, 3)) < 15


# Errors


def test_a_record_that_does_not_fit_leaves_out_the_longest_and_the_board_sleeps_on():
    sensors = {"a_rain_gauge": {"driver": "rain", "pin": 27, "wake": True}}
    for i in range(18):
        sensors["a_long_name_of_a_sensor_%d" % i] = dict(ROAD, rom="28ff40337216%02xe6" % i)
    board = Board({"sensors": sensors, "sleep": dict(SLEEP, stay_s=0)}, [])
    times = awake(board, 5)
    assert max(times[1:]) < 60 and board.start().spool.boot == 1, times


def test_what_a_long_driver_knows_is_forgotten_before_what_a_rain_gauge_counted():
    long = [0, 0, 0, False, 600, None, [1234567890] * 80]
    record = {"sampler": [0, 0, 0, {"rain": [0, 0, 0, False, 600, None, [17, False, 3]], "street": long}]}
    kept = json.loads(cycle._packed(record))["sampler"][3]
    assert kept["rain"][6] == [17, False, 3] and kept["street"][6] is None


def test_errors_on_the_way_to_sleep_do_not_keep_a_board_awake():
    board = Board(dict(road(), spool={"batch_s": 900}), [ROAD_CHIP])
    board.start()
    board.town.there = False
    flush = spool.Spool.flush

    def worn(_):
        raise OSError(28)

    spool.Spool.flush = worn
    try:
        times = awake(board, 5)
    finally:
        spool.Spool.flush = flush
    assert max(times) < 190, times
    board.town.there = True
    board.live(3 * 3600)
    readings = board.town.series("road/road_surface_temperature")
    assert board.start().spool.boot == 1 and len(readings) >= 18


def test_a_mistake_of_ours_is_slept_over_and_leads_to_safe_mode():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    rest = spool.Spool.rest
    spool.Spool.rest = None
    try:
        times = awake(board, 6)
    finally:
        spool.Spool.rest = rest
    assert max(times) < 60, times
    assert "crash" in os.listdir()
    board.live(3600)
    app = board.start()
    assert not app.guard.safe and app.guard.unhealthy == 0


def test_a_pin_that_wakes_no_board_is_said_and_the_board_sleeps():
    sensors = {"rain": {"driver": "rain", "pin": 18, "interval_s": 600, "wake": True}, "road": ROAD}
    board = Board({"sensors": sensors, "sleep": dict(SLEEP, send_each=1)}, [ROAD_CHIP])
    board.start()
    assert board.ended and any("pin 18" in problem for problem in board.town.states()[-1]["problems"])
    assert max(awake(board, 3)) < 15


def test_brown_outs_by_the_radio_end_in_safe_mode_without_it():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    connected = board.town.connections
    for _ in range(5):
        board.start(seconds=1, cause="power-on")
    app = board.start(cause="power-on")
    assert app.guard.safe and app.guard.reset == "brown-out" and board.ended and board.slept_s == 900
    assert board.town.connections == connected and board.awake_s < 10
    board.start()
    assert board.town.connections == connected + 1


def test_a_sleep_that_something_else_ended_is_forgotten():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    board.start()
    for _ in range(5):  # a dip of the supply in its sleep; RTC memory is what it was
        board.start(seconds=1, cause="power-on")
    app = board.start(cause="watchdog")
    assert app.guard.safe and board.ended
    app = board.start()
    assert app.spool.boot == 8 and not app._slept


# Tips


RAIN = {"rain": {"driver": "rain", "pin": 27, "tip_nm": 1000000, "interval_s": 600, "wake": True}}


def tip(app):
    """The contact closes; the interrupt sees it, if it is listening."""
    chip.levels[27] = 0
    counter = app.sampler.sensors["rain"].driver and app.sampler.sensors["rain"].driver._counter
    if counter:
        counter.pin._handler(counter.pin)


def open_contact(*_):
    chip.levels[27] = 1


def fallen(board):
    """Tips that the town knows of, once the board has sent."""
    before = board.town.connections
    while board.town.connections == before:
        board.start()
    return round(sum(value for _, value in board.town.series("rain/precipitation")))


def gauge(each=1):
    board = Board({"sensors": RAIN, "sleep": dict(SLEEP, stay_s=0, send_each=each)}, [])
    open_contact()
    board.start()
    return board


def test_a_tip_during_the_farewell_is_counted_once():
    for ms in range(0, 60, 10):
        board = gauge()
        tips = []

        async def late(app, ms=ms, tips=tips):
            while app.state.word != "sleeping":
                await sleeper.asyncio.sleep_ms(10)
            await sleeper.asyncio.sleep_ms(ms)
            tips.append(ms)
            tip(app)
            await sleeper.asyncio.sleep_ms(100)
            open_contact()

        board.start(script=late)
        open_contact()
        assert fallen(board) == len(tips) and (tips or ms > 40), ms


def test_a_tip_in_the_last_moment_before_sleep_is_counted_once():
    store = retained.store
    for moment in ("before", "behind"):
        board = gauge()
        left = [1]
        running = []

        def tipping(area, data, left=left, moment=moment, running=running):
            if moment == "behind":
                store(area, data)
            if area == retained.CYCLE and data and left[0]:
                left[0] = 0
                tip(running[0])
            if moment == "before":
                store(area, data)

        async def remember(app, running=running):
            running.append(app)

        retained.store = tipping
        try:
            board.start(script=remember)
        finally:
            retained.store = store
        open_contact()
        assert not left[0] and chip.woken_by == chip.PIN
        assert fallen(board) == 1, moment


def test_a_contact_that_bounces_into_sleep_is_one_tip():
    board = gauge(6)
    closings = []

    async def bounce(app):
        driver = None
        while not driver or not driver._counter:
            await sleeper.asyncio.sleep_ms(5)
            driver = app.sampler.sensors["rain"].driver
        closings.extend([virtual.now_ms + 25 * i for i in range(12)])
        while closings:
            await sleeper.asyncio.sleep_ms(max(closings[0] - virtual.now_ms, 0))
            closings.pop(0)
            tip(app)
            await sleeper.asyncio.sleep_ms(5)
            open_contact()

    sleep = chip.sleep

    def bounce_on(ms):
        if closings:
            chip.pause(closings[0] - virtual.now_ms)
            chip.levels[27] = 0
        sleep(ms)

    chip.sleep = bounce_on
    try:
        board.start(script=bounce)
    finally:
        chip.sleep = sleep
    open_contact()
    assert fallen(board) == 1


def test_tips_that_wake_do_not_put_off_the_connection():
    board = gauge(2)
    before = board.town.connections
    begun = true_time()
    tips = 0

    async def again(app):
        # It wakes the board, and holds it over the next multiple of every_s.
        await sleeper.asyncio.sleep_ms(10)

    while true_time() < begun + 3 * 3600:
        # A tip two seconds before each multiple: the timer never gets its turn.
        sleep = chip.sleep

        def until_the_tip(ms, sleep=sleep):
            chip.pause(max(ms - 3500, 0))
            chip.levels[27] = 0
            try:
                sleep(3500)
            finally:
                open_contact()

        chip.sleep = until_the_tip
        try:
            board.start(script=again)
        finally:
            chip.sleep = sleep
        tips += 1
    assert board.town.connections - before >= 7, (board.town.connections - before, tips)
    assert tips - 5 <= fallen(board) <= tips + 1


# What the town wants


def test_what_the_town_told_is_done_when_the_broker_goes_before_the_answer():
    for command in ({"do": "reboot"}, {"do": "decommission", "device": platform.device_id()}):
        board = Board(road(send_each=1), [ROAD_CHIP])
        board.start()

        async def cut(app, command=command, board=board):
            while not app.link.connected:
                await sleeper.asyncio.sleep_ms(10)
            board.town.there = False
            app.link.connected = False
            app._message("x/command", json.dumps(dict(command, id="7")).encode())

        board.start(script=cut)
        assert board.ended and chip.cause == chip._CAUSES["hard"], command
        if command["do"] == "decommission":
            board.start(seconds=5)
            assert "config.json" not in os.listdir() and "wipe" not in os.listdir()


def test_a_configuration_that_comes_when_time_is_over_is_tried():
    board = Board(road(send_each=1, limit_s=30), [ROAD_CHIP])
    board.start()
    with open("config.json") as file:
        config = json.load(file)
    config["sleep"]["every_s"] = 1200

    async def late(app):
        while app.state.word != "sleeping":
            await sleeper.asyncio.sleep_ms(10)
        app._message("x/config", json.dumps({"version": 4, "config": config}).encode())

    board.start(script=late)
    assert chip.cause == chip._CAUSES["hard"]


def test_a_sensor_that_is_not_due_is_read_and_calibrated_when_told():
    bay = {"driver": "rm3100", "bus": "i2c0", "interval_s": 43200, "sample_s": 3600}
    bay_chip = {"chip": "rm3100", "name": "bay", "bus": "i2c:0", "address": 0x20, "values": {"occupied": 0}}
    dust = {"driver": "sps30", "bus": "i2c0", "interval_s": 43200}
    dust_chip = {
        "chip": "sps30", "name": "dust", "bus": "i2c:0", "values": {"pm1": 5, "pm2_5": 9, "pm4": 12, "pm10": 13},
    }  # fmt: skip
    board = Board({"sensors": {"bay": bay, "dust": dust}, "sleep": dict(SLEEP, send_each=1)}, [bay_chip, dust_chip])
    board.start()
    board.town.queue.append(("command", b'{"id":"c","do":"calibrate","sensor":"bay","what":"baseline"}'))
    board.start()
    board.town.queue.append(("command", b'{"id":"s","do":"sample","sensor":"dust"}'))
    board.start()
    results = {message["id"]: message for topic, message in board.town.told if topic == "command/result"}
    assert results["c"]["ok"] and results["s"]["result"]["read"] == ["dust"], results


def test_an_interval_that_is_told_keeps_the_looks_between_two_reports():
    sensor = dict(ROAD, interval_s=7200, sample_s=3600, deadband=50)
    board = Board({"sensors": {"road": sensor}, "sleep": dict(SLEEP, send_each=1)}, [ROAD_CHIP])
    board.start()
    board.town.queue.append(("command", b'{"id":"i","do":"interval","sensor":"road","seconds":36000}'))
    app = board.start()
    assert app.sampler.sensors["road"].due == 3600 and app.sampler.sensors["road"].interval_s == 36000


# Reports


def test_what_moves_in_the_round_of_the_report_is_told_at_once_as_well():
    spec = {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "values": {"temperature": 3.5}}
    sensor = dict(ROAD, interval_s=1200, sample_s=600, deadband=100)
    board = Board({"sensors": {"road": sensor}, "sleep": dict(SLEEP, send_each=36)}, [spec])
    awake(board, 4)
    sleeper.world.chips[0].spec["values"]["temperature"] = 9.5
    before = board.town.connections
    board.start()
    assert clock.uptime() // 1200 == 2 and board.town.connections == before + 1
    assert board.town.series("road/road_surface_temperature")[-1][1] == 9.5


def test_a_bay_is_learned_over_wake_ups_where_a_board_never_stays():
    bay = {"driver": "rm3100", "bus": "i2c0", "interval_s": 3600, "sample_s": 60}
    bay_chip = {"chip": "rm3100", "name": "bay", "bus": "i2c:0", "address": 0x20, "values": {"occupied": 0}}
    board = Board({"sensors": {"bay": bay}, "sleep": {"every_s": 60, "send_each": 10, "stay_s": 0}}, [bay_chip])
    board.live(3600)
    states = [value for _, value in board.town.series("bay/parking_bay_occupied")]
    assert states and not any(states)


# Time


def test_uptime_follows_the_clock_that_is_put_right_by_a_second_again_and_again():
    board = Board(road(send_each=1), [ROAD_CHIP])
    board.start()
    begun = true_time() - clock.uptime()
    set_utc = clock.set_utc
    clock.set_utc = lambda seconds, source: set_utc(true_time(), "sntp")
    try:
        for _ in range(30):
            chip._rtc_offset -= 1  # slow by a second each time it sleeps
            board.start()
    finally:
        clock.set_utc = set_utc
    passed = true_time() - begun
    assert abs(passed - clock.uptime() - 30) <= 2, (passed, clock.uptime())


def test_uptime_loses_nothing_over_many_short_sleeps():
    config = {"sensors": {"road": dict(ROAD, interval_s=20)}, "sleep": {"every_s": 20, "send_each": 1000}}
    board = Board(config, [ROAD_CHIP])
    begun = true_time()
    for _ in range(100):
        virtual.advance(370)  # until Python runs
        board.start()
    assert abs(true_time() - begun - clock.uptime()) <= 3, (true_time() - begun, clock.uptime())


def test_estimates_of_days_without_town_are_not_used_again_after_a_power_cut():
    sensors = {"road": dict(ROAD, interval_s=60)}
    board = Board({"sensors": sensors, "sleep": {"every_s": 60, "limit_s": 30, "stay_s": 0}}, [ROAD_CHIP])
    board.town.there = False
    for _ in range(2):
        board.live(3600)
        board.power_cut()
    board.town.there = True
    board.start()
    packs = len(sleeper.numbers(board.town.packs))
    assert packs >= 120 and len(board.town.series("road/road_surface_temperature")) == packs


def test_a_clock_put_right_by_hours_loses_nothing():
    for hours in (-2, 2):
        board = Board(road(send_each=6), [ROAD_CHIP])
        board.live(2 * 3600)
        chip._rtc_offset += hours * 3600 + 7  # while it sleeps
        board.live(4 * 3600)
        times = [time for time, _ in board.town.series("road/road_surface_temperature")]
        taken = board.town.states()[-1]["taken"]
        assert taken == len(times), (hours, taken, len(times))
        assert abs(times[-1] - true_time()) < 4500


# Another configuration


def test_a_record_of_another_configuration_is_not_used():
    board = Board(road(), [ROAD_CHIP])
    board.start()
    board.start()
    with open("config.json") as file:
        config = json.load(file)
    config["sensors"] = {"road": {"driver": "rain", "pin": 27, "interval_s": 600, "wake": True}}
    with open("config.json", "w") as file:
        json.dump(config, file)
    app = board.start()
    assert app.spool.boot == 2 and not app._slept and board.ended
