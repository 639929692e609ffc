"""Which configuration a start runs with, and what the board knows of its versions. Forgotten after the start.

The state is a small file replaced by rename: old or new, never both.
* version: of the running configuration, config.json; 0 or none: nobody sent it, it was copied onto the board
* trial: of what stands in config.new.json, while that is on trial; begun: a start has tried it
* failed: the last one that the board does not run; problems: the sentences why
* certificate: while a renewed one is on trial, beside the old one: the id of the command that brought it
* result: what that command's result is, until the broker has it
"""

import json
import os

from bordstein import platform

RUNNING = "config.json"
NEW = "config.new.json"
NEXT = ".next"  # behind the name of the certificate that runs: a renewed one
_FILE = "config.state"


def settings(cause, known=None):
    """(configuration, problems, Trial or None): with problems, what is left of it without the parts that have mistakes.

    cause: why the board started. known: `sum` of the configuration with which it went to sleep.
    """
    if known is not None:
        return read(RUNNING, known) + (None,)
    if exists("wipe"):
        from bordstein import wipe

        wipe.run()
    state = load()
    if "trial" in state or "certificate" in state:
        from bordstein import trial

        found = trial.begin(state, cause)
        if found:
            return found
    return read(RUNNING) + (None,)


def read(path, known=None):
    """(configuration, problems) of a file."""
    from bordstein import config

    try:
        return config.load(path, exists, known), []
    except config.ConfigError as error:
        return error.usable, error.problems


def load():
    """The state as a dict, empty when there is none."""
    try:
        with open(_FILE) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def save(**state):
    """Durable on return; OSError."""
    platform.replace(_FILE, json.dumps(state))


def failed(state, version, problems):
    """Note that this version is not to be run, and forget its file; what runs is as the state says. OSError."""
    save(version=state.get("version", 0), failed=version, problems=problems[:20])
    if exists(NEW):
        os.remove(NEW)


def exists(path):
    """Is there such a file?"""
    try:
        os.stat(path)
        return True
    except OSError:
        return False
