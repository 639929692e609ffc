"""A board that sleeps when things go wrong: no network, contacts that bounce, errors, damaged RTC memory, power cuts.
For MicroPython."""
# heapsize: 2M

import json

import sleeper
from sleeper import ROAD, ROAD_CHIP, Board, chip

from bordstein import clock

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


def test_a_waking_sensor_that_is_none_does_not_keep_a_board_awake():
    sensors = {"rain": {"driver": "rain", "pin": 24, "interval_s": 86400, "wake": True}}
    board = Board({"sensors": sensors, "sleep": SLEEP}, [])
    board.start()
    assert max(awake(board, 3)) < 15
