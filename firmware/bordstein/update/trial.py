"""The trial of new software: it stays when a sensor was read and a receipt came, and else makes room for the old.

As long as App.update is there the board must not sleep: waking up is a start, and a trial has only one.
"""

import asyncio

from micropython import const

from bordstein import clock
from bordstein.update import manifest, slots

LIMIT_S = const(1800)
_TURN_S = const(5)


async def look(update):
    """After a start: is a trial under way, or has one failed?"""
    active, trial = slots.load()
    if trial == slots.NONE:
        return
    update.record.setdefault("last", {"order": 0, "version": "", "result": "trying"})  # its file is damaged
    if slots.running() != trial:
        # Its reason is there if it gave up by itself.
        if update.record["last"]["result"] != "failed":
            update.tell("failed", "it ended before a sensor was read and a receipt came; the log says more")
        slots.save(active)
        return
    while True:
        wanted = _missing(update.app)
        if not wanted:
            _confirm(update, trial)
            return
        if clock.uptime() >= LIMIT_S:
            break
        await asyncio.sleep(_TURN_S)
    update.tell("failed", "after %d minutes there was %s" % (LIMIT_S // 60, wanted))
    slots.save(active)
    await update.app.restart("the trial of this software failed")


def _missing(app):
    if all(sensor.values is None for sensor in app.sampler.sensors.values()):
        return "no reading of any sensor"
    return "" if app.uplink.settled else "no receipt"


def _confirm(update, trial):
    head = manifest.head(trial + "/release")
    record = update.record
    # They only rise. A power cut between the two writes repeats the trial, and then this.
    if manifest.number(head["floor"]) > manifest.number(record.get("floor", "0")):
        record["floor"] = head["floor"]
    record["newest"] = max(head["date"], record.get("newest", 0))
    update.tell("done")
    slots.save(trial)
