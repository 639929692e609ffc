"""Commands from the town: reboot, identify, sample, interval, log, calibrate, certificate, decommission. Each id has
one result.

A command that comes again (MQTT delivers at least once) is answered from memory, not done again; for a reboot that
memory is a file, or a command delivered twice would restart the board twice.
"""

import asyncio
import json
import sys

from micropython import const

import bordstein
from bordstein import clock, log, platform
from bordstein.log import say

_REMEMBERED = const(8)
_FILE = "reboot"  # id of the last reboot command
_LONGEST_S = const(86400)
_CALIBRATE_MS = const(40000)
_SAMPLE_S = const(20)
_LATER = const(-1)  # in place of a result: it comes after a restart


class Refused(Exception):
    """The sentence why a command is not done."""


class Commands:
    """publish(topic, payload) sends a result, returns when the broker has it; restart() restarts the board in good
    order."""

    def __init__(self, sampler, publish, restart, changed=None):
        self._sampler = sampler
        self._publish = publish
        self._restart = restart
        self._changed = changed  # called when the state has something new to tell
        # (id, result), oldest first; result None while it is being done
        self._answers = []  # type: list[tuple]
        self._identifying = None
        self.restarts = False  # a command wants it, as soon as its result is out
        try:
            with open(_FILE) as file:
                self._answers = [(file.read(), {"ok": True})]
        except OSError:
            pass

    def busy(self):
        """Is the LED still to be seen?"""
        return self._identifying is not None and not self._identifying.done()

    async def handle(self, payload):
        """Do a command (bytes, JSON) and publish its result; that of a certificate wanted.py publishes."""
        try:
            command = json.loads(payload)
            number = command["id"]
            if not isinstance(number, str) or not 0 < len(number) <= 64:
                raise ValueError("its id is not a text of 1 to 64 characters")
        except (ValueError, KeyError, TypeError) as error:
            say("commands: one without a usable id is ignored:", error)
            return
        for known, result in self._answers:
            if known == number:
                if result is not None:
                    await self._answer(number, result)
                return
        self._answers = self._answers[1 - _REMEMBERED :]
        self._answers.append((number, None))
        result = await self._result(command)
        if result is None:
            if self.restarts:
                await self._restart()
            return
        self._answers = [(known, result if known == number else old) for known, old in self._answers]
        if command.get("do") == "reboot":
            try:
                platform.replace(_FILE, number)
            except OSError as error:  # a restart may be what helps
                say("commands: flash does not remember the restart:", error)
        restarts = result["ok"] and command.get("do") in ("reboot", "decommission")
        self.restarts = self.restarts or restarts
        await self._answer(number, result)
        if restarts:
            await self._restart()

    async def _result(self, command):
        try:
            more = await self._do(command)
        except Refused as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:  # noqa: BLE001
            return {"ok": False, "error": "it went wrong on the board: %s" % error}
        if more == _LATER:
            return None
        return {"ok": True} if more is None else {"ok": True, "result": more}

    async def _answer(self, number, result):
        message = {"id": number}
        message.update(result)
        await self._publish("command/result", json.dumps(message).encode())

    async def _do(self, command):
        do = command.get("do")
        if do == "reboot":
            return None  # after the result
        if do == "identify":
            return self._identify(command)
        if do == "sample":
            return await self._sample(command)
        if do == "interval":
            return self._interval(command)
        if do == "log":
            return {"lines": log.lines()}
        if do == "calibrate":
            return await self._calibrate(command)
        if do == "decommission":
            return self._decommission(command)
        if do == "certificate":
            return self._certificate(command)
        raise Refused(
            '"%s" is not something this board can do; it knows reboot, identify, sample, interval, log, calibrate, '
            "certificate and decommission" % do
        )

    def _sensor(self, command):
        name = command.get("sensor")
        if name not in self._sampler.sensors:
            known = ", ".join(sorted(self._sampler.sensors)) or "none"
            raise Refused('there is no sensor "%s" on this board; there are: %s' % (name, known))
        return name

    def _interval(self, command):
        name = self._sensor(command)
        seconds = _seconds(command, _LONGEST_S)
        self._sampler.set_interval(name, seconds)
        if self._changed:
            self._changed()

    async def _sample(self, command):
        name = self._sensor(command) if "sensor" in command else None
        read, failed = await sample(self._sampler, name)
        if not read and failed:
            raise Refused("no reading from: %s; see the errors in health" % ", ".join(failed))
        return {"read": read, "failed": failed}

    async def _calibrate(self, command):
        name = self._sensor(command)
        if not self._sampler.sensors[name].ready:  # a board that sleeps only sets up what is due
            await sample(self._sampler, name)
        driver = self._sampler.sensors[name].driver
        if not hasattr(driver, "calibrate"):
            raise Refused("%s has nothing that could be calibrated, or is not there yet" % name)
        try:
            return await asyncio.wait_for_ms(driver.calibrate(command.get("what")), _CALIBRATE_MS)
        except asyncio.TimeoutError:
            raise Refused("%s gave no answer within the limit" % name)
        except (OSError, ValueError) as error:
            raise Refused(str(error))

    def _decommission(self, command):
        if command.get("device") != platform.device_id():
            raise Refused('this wipes the keys and all data; to confirm, "device" has to be the id of this board')
        from bordstein import wipe

        wipe.order()  # followed at the next start, whatever happens until then

    def _certificate(self, command):
        from bordstein import certificate

        try:
            begins = certificate.take(command)
        except ValueError as error:
            raise Refused(str(error))
        finally:  # needed once in years
            del bordstein.certificate, sys.modules["bordstein.certificate"]
        if begins is False:
            return None
        self.restarts = self.restarts or begins is True
        return _LATER

    def _identify(self, command):
        seconds = _seconds(command, 600) if "seconds" in command else 10
        if self._identifying:
            self._identifying.cancel()
        self._identifying = asyncio.create_task(_blink(seconds))


async def sample(sampler, name=None):
    """Read this sensor, or all, now; ends when all is spooled. Returns (ids read, ids that failed); KeyError."""
    asked = [sampler.sensors[name]] if name else list(sampler.sensors.values())
    before = [(sensor, sensor.attempts, sensor.errors) for sensor in asked]
    for sensor in asked:
        sensor.ask()
    begun = clock.uptime()
    while not all(sensor.attempts > attempts or sensor.errors > errors for sensor, attempts, errors in before):
        await asyncio.sleep_ms(100)
        # What is set up only now, or sleeps between two readings, warms up first.
        longest = max([sensor.driver.WARM_UP_S for sensor in asked if sensor.driver] + [0])
        if clock.uptime() - begun >= _SAMPLE_S + longest:
            break
    while sampler.round and sampler.round.open:
        await asyncio.sleep_ms(100)
    read = [sensor.name for sensor, attempts, errors in before if sensor.attempts > attempts and sensor.ready]
    return read, [sensor.name for sensor in asked if sensor.name not in read]


def _seconds(command, most):
    seconds = command.get("seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= most:
        raise Refused("seconds has to be a whole number from 1 to %d, not %s" % (most, json.dumps(seconds)))
    return seconds


async def _blink(seconds):
    try:
        for _ in range(seconds * 2):
            platform.led(True)
            await asyncio.sleep_ms(250)
            platform.led(False)
            await asyncio.sleep_ms(250)
    finally:
        platform.led(False)
