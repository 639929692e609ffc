"""A renewed certificate: refused, tried, confirmed by the gateway or left again; also when the power goes at any flash
write of it. For MicroPython, on the bench of mpy_wanted.py.
"""
# heapsize: 2M

import asyncio
import json
import os
import sys

import mpy_wanted as bench
from certificates import GETS, HAS, content, made, renewal
from lives import use

from bordstein.configstate import NEXT

CONFIG = dict(bench.OLD, trial_s=60)
accepted = []
shown = []
results = []


class Link(bench.Link):
    """The broker takes the certificates in `accepted`; a command comes once."""

    async def run(self):
        if shown[-1] not in accepted:
            self.problem = "the broker refuses the connection"
            await asyncio.Event().wait()
        asyncio.create_task(self._command())
        await super().run()

    async def _command(self):
        await self.wait_connected()
        await asyncio.sleep(10)
        given, bench.town.commands = bench.town.commands, []
        for command in given:
            self.bring("command", json.dumps(command).encode())

    async def publish(self, topic, payload, retain=False):
        await super().publish(topic, payload, retain)
        if bench.powered() and topic.endswith("/command/result"):
            results.append(json.loads(payload))


def make_context(_, cert, __):
    shown.append(content(cert))


use(Link, make_context)


def plain(*commands):
    bench.plain()
    with open("device.der", "wb") as file:
        file.write(HAS)
    with open("config.json", "w") as file:
        json.dump(CONFIG, file)
    bench.town.commands = list(commands)
    accepted[:] = HAS, GETS
    results[:] = shown[:] = []


def is_settled():
    """Nothing is left of a trial, and the board shows what lies on its flash."""
    names = os.listdir()
    assert "device.der" + NEXT not in names and "config.new.json" not in names, names
    assert shown[-1] == content("device.der")
    state = json.loads(content("config.state"))
    assert "certificate" not in state and "begun" not in state and "result" not in state, state


def test_a_renewed_certificate_is_tried_confirmed_and_kept():
    plain(renewal())
    before = content("config.json")
    board = bench.run()
    assert shown == [HAS, GETS] and content("device.der") == GETS and not board.trial
    assert results == [{"id": "c1", "ok": True}]
    is_settled()
    assert content("config.json") == before
    assert [report["ok"] for report in bench.town.reports] == [True, None, True]
    assert {(report["version"], report["running"]) for report in bench.town.reports} == {(0, 0)}
    assert len({report["digest"] for report in bench.town.reports}) == 1
    assert [report["certificate"] for report in bench.town.reports] == ["2031-12-31", "2032-12-31", "2032-12-31"]
    bench.town.commands = [renewal(), renewal(number="c2")]  # the same, delivered again, and once more
    bench.run()
    assert [result["id"] for result in results] == ["c1", "c1", "c2"] and all(result["ok"] for result in results)
    assert shown == [HAS, GETS, GETS]


def test_one_that_the_broker_refuses_is_left_again():
    plain(renewal())
    accepted.remove(GETS)
    board = bench.run()
    assert shown == [HAS, GETS, HAS] and content("device.der") == HAS and not board.trial
    [result] = results
    assert result["ok"] is False and "60 s" in result["error"] and "refuses" in result["error"]
    is_settled()
    accepted.append(GETS)
    bench.town.commands = [renewal(number="c2")]
    bench.run()
    assert results[1:] == [{"id": "c2", "ok": True}] and content("device.der") == GETS


def test_one_that_can_not_be_read_is_left_at_once():
    def refuse(_, cert, __):
        if content(cert) == GETS:
            raise ValueError("invalid cert")
        make_context(_, cert, __)

    plain(renewal())
    use(Link, refuse)
    bench.run()
    use(Link, make_context)
    assert "invalid cert" in results[0]["error"] and content("device.der") == HAS
    is_settled()


def test_without_the_gateway_a_broker_is_not_enough():
    plain(renewal())
    bench.town.answering = False
    bench.run()
    assert content("device.der") == HAS and "the gateway was not" in results[0]["error"]


def test_what_is_not_for_this_board_and_its_key_is_refused_without_a_restart():
    long = made(2, point=b"\x07" * 2000)
    for der, sentence in (
        (made(2, device=b"24a1600000ff"), "not the certificate of"),
        (made(2, point=b"\x08" * 64), "another key"),
        (GETS[:-1], "no certificate in DER"),
        (GETS + b"\n", "no certificate in DER"),
        (b"\x30\x82\x00\x01x", "no certificate in DER"),
        (long, "no certificate in DER"),
        (b"", "no certificate in DER"),
    ):
        plain(renewal(der))
        bench.start(40)
        assert not bench.resets and len(results) == 1 and sentence in results[0]["error"], (der, results)
        assert "config.state" not in os.listdir() and "device.der" + NEXT not in os.listdir()
    for der in (None, 7, "%%%", []):
        plain({"id": "c1", "do": "certificate", "der": der})
        bench.start(40)
        assert not bench.resets and "no certificate in DER" in results[0]["error"], (der, results)
    plain(renewal())
    with open("device.der", "wb") as file:
        file.write(b"-----BEGIN CERTIFICATE-----")
    accepted.append(content("device.der"))
    bench.start(40)
    assert not bench.resets and "not one in DER" in results[0]["error"]
    plain(renewal())
    with open("config.json", "w") as file:
        json.dump(dict(CONFIG, mqtt={"host": "127.0.0.1", "ca": "ca.der"}), file)
    use(Link, lambda *_: shown.append(HAS))
    bench.start(40)
    use(Link, make_context)
    assert not bench.resets and "shows no certificate" in results[0]["error"]


def test_the_end_of_one_that_lasts_beyond_2049_and_of_none():
    plain()
    far = b"\x30\x20\x17\x0d491126000000Z\x18\x0f20591126000000Z"
    for der, end in ((b"...." + far, "2059-11-26"), (b"nothing", None), (b"...." + far[:20], None)):
        with open("device.der", "wb") as file:
            file.write(der)
        accepted.append(der)
        bench.start(30)
        assert bench.town.report.get("certificate") == end, bench.town.report


def test_one_after_the_other():
    """A certificate while a configuration is on trial; a configuration, or another certificate, while one is."""
    plain()
    bench.town.want(1, bench.NEW)
    bench.town.answering = False
    bench.start(60)
    assert bench.resets
    bench.town.commands = [renewal()]
    bench.start(30)
    assert not bench.resets and "send it again later" in results[0]["error"]

    plain(renewal(), renewal(made(3), "c2"))

    async def script(board):
        await asyncio.sleep(12)
        bench.town.want(1, bench.NEW)
        board.link.bring("config", bench.town.wanted)

    bench.start(60, script)
    assert bench.resets and bench.running() == 300
    board = bench.run()
    assert content("device.der") == GETS and board.config["health_s"] == 60
    assert [(one["id"], one["ok"]) for one in results] == [("c2", False), ("c1", True)], results
    assert bench.town.report["version"] == 1 and bench.town.report["ok"] is True
    is_settled()


def test_not_while_new_software_is_on_its_way():
    plain(renewal())

    async def script(board):
        await asyncio.sleep(8)
        sys.modules["bordstein.update"] = sys
        await asyncio.sleep(6)
        del sys.modules["bordstein.update"]

    bench.start(10, script)
    assert not bench.resets and "new software" in results[0]["error"] and "config.state" not in os.listdir()
    bench.town.commands = [renewal(number="c2")]
    bench.run()
    assert results[1:] == [{"id": "c2", "ok": True}]


def test_a_configuration_that_failed_is_not_tried_again_for_it():
    plain()
    bench.town.want(1, bench.NEW)
    bench.run()
    bench.town.want(2, bench.LOST)
    bench.run()
    assert bench.town.report["ok"] is False
    for accepts in (True, False):
        bench.town.commands = [renewal(made(4 if accepts else 5), str(accepts))]
        accepted.append(made(4))
        count = len(shown)
        bench.run()
        assert results[-1]["ok"] is accepts and len(shown) == count + (2 if accepts else 3)
        assert (bench.town.report["version"], bench.town.report["running"]) == (2, 1)
        assert bench.town.report["ok"] is False and bench.running() == 60
        assert content("device.der") == made(4)
        is_settled()


def test_any_start_before_the_confirmation_goes_back():
    for cause in ("power-on", "watchdog", "hard", "soft"):
        plain(renewal())
        bench.town.answering = False
        bench.start(60)
        assert bench.resets
        board = bench.start(20)
        assert board.trial and shown[-1] == GETS and not bench.resets
        if cause == "power-on":
            bench.power_on()
        bench.causes[0] = cause
        bench.town.answering = True
        bench.run()
        assert shown[-1] == HAS and cause in results[0]["error"], results
        is_settled()


def test_the_command_delivered_again_during_its_trial_does_not_disturb_it():
    plain(renewal())
    bench.town.answering = False
    bench.start(60)
    bench.town.commands = [renewal()]
    board = bench.start(30)
    assert board.trial and not bench.resets and not results
    board = bench.start(5)
    assert not board.trial and results == []
    bench.town.commands = [renewal()]
    bench.town.answering = True
    bench.start(60)
    assert len(results) >= 1 and not results[0]["ok"]


def cut_everywhere(torn=False, refused=False):
    """The way to a renewed certificate, cut at each of its flash operations; returns how many these are."""

    def begin():
        plain(renewal())
        if refused:
            accepted.remove(GETS)
        bench.disk.operations = 0

    begin()
    bench.run()
    operations = bench.disk.operations
    ends = set()
    for cut in range(1, operations + 1):
        begin()
        bench.disk.torn = torn
        bench.disk.cut_at = cut
        try:
            bench.run()
        except OSError:
            pass
        assert bench.disk.dead, (cut, operations)
        bench.revive()
        assert content("device.der") in (HAS, GETS), cut
        board = bench.run()
        found = content("device.der")
        assert shown[-1] == found and board.link.connected and not board.trial and not board.state.problems, cut
        assert not (refused and found == GETS), cut
        if results:
            assert results[-1]["ok"] is (found == GETS), (cut, results)
        ends.add((found, bool(results)))
        bench.town.commands = [renewal(number="c2")]
        accepted.append(GETS)
        bench.run()
        assert results[-1] == {"id": "c2", "ok": True} and content("device.der") == GETS, (cut, results)
        is_settled()
    assert (HAS, True) in ends and (refused or (GETS, True) in ends), ends
    return operations


def test_power_cut_at_every_flash_write_leaves_the_old_or_the_new_one():
    assert cut_everywhere() > 20


def test_power_cut_that_tears_every_flash_write_leaves_the_old_or_the_new_one():
    assert cut_everywhere(torn=True) > 20


def test_power_cut_at_every_flash_write_of_the_way_back_leaves_the_old_one():
    assert cut_everywhere(refused=True) > 20
