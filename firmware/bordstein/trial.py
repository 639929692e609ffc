"""Which configuration a start runs with, and the trial of a new one. Forgotten after the start, but for a trial.

wanted.py has put a new configuration beside the old one and restarted the board. Here it runs on trial, once: it is
confirmed when the gateway has answered this very start (a broker alone could not). No answer within `trial_s`, a
mistake that only shows when it runs, or any start before the confirmation (crash, watchdog, power cut), and the old
one runs again, and the new one is not tried a second time.

Each step is one rename, so a power cut leaves the one or the other: the new file is there, the state names it as the
trial, the trial has begun; then either config.new.json becomes config.json (that is the confirmation), or the state
says that it failed.
"""

import asyncio
import json
import os
import sys

import bordstein
from bordstein.configstate import NEW, RUNNING, exists, failed, load, save
from bordstein.log import say

# Needed as long as this module is.
del bordstein.configstate, sys.modules["bordstein.configstate"]


def settings(cause):
    """(configuration, problems, Trial or None): with problems, what is left of it without the parts that have mistakes.

    cause: why the board started.
    """
    if exists("wipe"):
        from bordstein import wipe

        wipe.run()
        del bordstein.wipe, sys.modules["bordstein.wipe"]
    state = load()
    version = state.get("trial", 0)
    if version:
        try:
            found = _trial(state, version, cause)
            if found:
                return found, [], Trial(version, found["trial_s"])
        except OSError as error:  # what runs now is the old one in any case
            say("config: flash does not take what becomes of configuration %d: %s" % (version, error))
    return _read(RUNNING) + (None,)


def _trial(state, version, cause):
    """The configuration to be tried now, if there is one. OSError."""
    if state.get("begun"):
        if exists(NEW):
            failed(state, version, ["the board started again (%s) before the gateway had answered" % cause])
        else:  # it was confirmed, and the power went before that was written down
            save(version=version)
        return None
    save(version=state.get("version", 0), trial=version, begun=True)
    found, problems = _read(NEW)
    if problems:
        failed(state, version, problems)
        return None
    say("config: version %d on trial" % version)
    return found


def _read(path):
    from bordstein import config

    try:
        return config.load(path, exists), []
    except config.ConfigError as error:
        return error.usable, error.problems


class Trial:
    """A configuration that runs but is not confirmed. version: its number; later: a newer one has come meanwhile."""

    def __init__(self, version, limit_s):
        self.version = version
        self.later = False
        self._limit_s = limit_s
        self._answered = asyncio.Event()

    def receipt(self, payload, boot):
        """Is it the gateway's answer to this start? What the broker kept from before it does not count.

        Returns whether it is about the trial alone, no pack.
        """
        try:
            message = json.loads(payload)
            if message["boot"] == boot:
                self._answered.set()
            return "config" in message
        except (ValueError, KeyError, TypeError):
            return False

    async def run(self, board):
        """Confirm it, or go back by a restart. board: app.App."""
        problems = board.state.problems[1:] if board.guard.safe else board.state.problems
        if not problems:
            try:
                await asyncio.wait_for_ms(self._answered.wait(), self._limit_s * 1000)
                if exists(NEW):
                    os.rename(NEW, RUNNING)
                save(version=self.version)
                say("config: version %d is confirmed" % self.version)
                board.trial = None
                board.asked.set()
                if self.later:  # the broker gives it again on a new connection
                    await board.restart("for a newer configuration")
                return
            except asyncio.TimeoutError:
                why = board.link.problem or "the broker was reached, the gateway was not"
                problems = ["no answer from the gateway within %d s (%s)" % (self._limit_s, why)]
        try:
            failed(load(), self.version, problems)
        finally:  # without a note the next start goes back as well
            await board.restart("back to the old configuration: " + problems[0])
