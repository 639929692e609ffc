"""The trial of a new configuration or certificate. Loaded for one only.

wanted.py has put a new configuration beside the old one and restarted the board. Here it runs on trial, once: it is
confirmed when the gateway has answered this very start (a broker alone could not). No answer within `trial_s`, a
mistake that only shows when it runs, or any start before the confirmation (crash, watchdog, power cut), and the old
one runs again, and the new one is not tried a second time.

Each step is one rename, so a power cut leaves the one or the other: the new file is there, the state names it as the
trial, the trial has begun; then either config.new.json becomes config.json (that is the confirmation), or the state
says that it failed. The same holds for a certificate (certificate.py): the new file is there, the state names the
command, the trial has begun; then the new file takes the old one's name.
"""

import asyncio
import json
import os

from bordstein.configstate import NEW, RUNNING, exists, failed, load, read, save
from bordstein.log import say


def begin(state, cause):
    """(configuration, [], Trial) of the trial that this start is; None: the old configuration is to run.

    state: what stands in flash; cause: why the board started.
    """
    if "certificate" in state:
        from bordstein import trialcert

        return trialcert.begin(state, cause)
    version = state["trial"]
    try:
        if not state.get("begun"):
            save(version=state.get("version", 0), trial=version, begun=True)
            found, problems = read(NEW)
            if not problems:
                say("config: version %d on trial" % version)
                return found, problems, Trial(version, found["trial_s"])
            failed(state, version, problems)
        elif exists(NEW):
            failed(state, version, ["the board started again (%s) before the gateway had answered" % cause])
        else:  # it was confirmed, and the power went before that was written down
            save(version=version)
    except OSError as error:  # what runs now is the old one in any case
        say("config: flash does not take what becomes of version %d: %s" % (version, error))
    return None


class Trial:
    """A configuration that runs but is not confirmed. version: its number; path: its file; later: a newer one has come
    meanwhile."""

    path = NEW
    what = "configuration"

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
        problems = self._problems(board.state.problems[1:] if board.guard.safe else board.state.problems)
        if not problems:
            try:
                await asyncio.wait_for_ms(self._answered.wait(), self._limit_s * 1000)
                self._confirm()
                board.trial = None
                board.asked.set()
                if self.later:  # the broker gives it again on a new connection
                    await board.restart("for a newer configuration")
                return
            except asyncio.TimeoutError:
                why = board.link.problem or "the broker was reached, the gateway was not"
                problems = ["no answer from the gateway within %d s (%s)" % (self._limit_s, why)]
        try:
            self._give_up(problems)
        finally:  # without a note the next start goes back as well
            await board.restart("back to the old %s: %s" % (self.what, problems[0]))

    def _problems(self, problems):
        return problems

    def _confirm(self):
        if exists(NEW):
            os.rename(NEW, RUNNING)
        save(version=self.version)
        say("config: version %d is confirmed" % self.version)

    def _give_up(self, problems):
        failed(load(), self.version, problems)
