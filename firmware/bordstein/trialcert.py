"""The trial of a renewed certificate, as trial.py's of a configuration. Loaded for one only.

The running configuration runs with the new certificate's file in the place of the old one's; nothing else changes, so
that whatever is wanted of the configuration meanwhile stands as before.
"""

import os

from bordstein.configstate import NEXT, RUNNING, exists, load, read, save
from bordstein.log import say
from bordstein.trial import Trial


def begin(state, cause):
    """(configuration, problems, Trial) of the trial that this start is; None: the old certificate is to be shown."""
    found, problems = read(RUNNING)
    mqtt = found["mqtt"] or {}
    path = mqtt.get("cert")
    try:
        if not path:
            _settle(state, "the configuration has mistakes: " + problems[0] if problems else "no mqtt.cert")
        elif not state.get("begun"):
            state["begun"] = True
            save(**state)
            say("config: a renewed certificate is on trial")
            mqtt["cert"] = path + NEXT
            return found, problems, CertificateTrial(state, mqtt, path, found["trial_s"])
        elif exists(path + NEXT):
            _settle(state, "the board started again (%s) before the gateway had answered" % cause, path)
        else:  # it was confirmed, and the power went before that was written down
            _settle(state)
    except OSError as error:  # what is shown now is the old one in any case
        say("config: flash does not take what becomes of the certificate: %s" % error)
    return None


def _settle(state, problem=None, path=None):
    """Note the command's result; problem: why the old one stays. OSError."""
    result = {"id": state.pop("certificate"), "ok": problem is None}
    if problem:
        result["error"] = problem
        say("config: the old certificate stays:", problem)
    state.pop("begun", None)
    state["result"] = result
    save(**state)
    if path:
        os.remove(path + NEXT)


class CertificateTrial(Trial):
    """version: of the configuration, which stays."""

    path = RUNNING
    what = "certificate"

    def __init__(self, state, mqtt, file, limit_s):
        super().__init__(state.get("version", 0), limit_s)
        self._mqtt = mqtt
        self._file = file

    def _problems(self, problems):
        return [problem for problem in problems if problem.startswith("mqtt:")]

    def _confirm(self):
        if exists(self._file + NEXT):
            os.rename(self._file + NEXT, self._file)
        self._mqtt["cert"] = self._file
        _settle(load())
        say("config: the renewed certificate is confirmed")

    def _give_up(self, problems):
        _settle(load(), problems[0], self._file)
