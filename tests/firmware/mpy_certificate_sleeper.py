"""A renewed certificate for a board that sleeps. For MicroPython, in virtual time."""
# heapsize: 2M

import json

import sleeper  # before the firmware
from certificates import GETS, HAS, content, renewal
from lives import use
from sleeper import BUSES, ROAD, ROAD_CHIP

CONFIG = {"buses": BUSES, "sensors": {"road": ROAD}, "sleep": {"every_s": 600, "send_each": 3, "stay_s": 0}}
shown = []


def board():
    """One that has just gone to sleep, and for which a certificate waits at the broker."""
    made = sleeper.Board(dict(CONFIG, trial_s=300), [ROAD_CHIP])
    with open("device.der", "wb") as file:
        file.write(HAS)
    use(sleeper.Link, lambda _, cert, __: shown.append(content(cert)))
    shown[:] = []
    made.start()
    assert made.slept_s and shown == [HAS]
    made.town.queue.append(("command", json.dumps(renewal()).encode()))
    return made


def results(board):
    return [message for topic, message in board.town.told if topic == "command/result"]


def test_it_comes_with_the_next_connection_and_the_board_sleeps_on():
    sleeping = board()
    sleeping.live(3600)
    assert results(sleeping) == [{"id": "c1", "ok": True}]
    assert content("device.der") == GETS and shown[1:3] == [HAS, GETS] and HAS not in shown[2:]
    assert sleeping.slept_s and sleeping.town.report["certificate"] == "2032-12-31"
    connections = sleeping.town.connections
    sleeping.live(7200)
    assert 3 <= sleeping.town.connections - connections <= 5
    assert len(results(sleeping)) == 1


def test_why_it_stays_with_the_old_one_is_told_when_the_town_is_back():
    sleeping = board()
    while sleeping.town.queue:
        sleeping.start()
    sleeping.town.there = False
    sleeping.live(4 * 3600)
    assert content("device.der") == HAS and shown[1:3] == [HAS, GETS] and GETS not in shown[3:]
    assert results(sleeping) == [] and sleeping.slept_s
    sleeping.town.there = True
    sleeping.live(8 * 3600)
    [result] = results(sleeping)
    assert result["id"] == "c1" and "no answer from the gateway within 300 s" in result["error"]
