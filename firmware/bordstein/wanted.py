"""The configuration that the town wants: checked, written beside the running one, then tried by a restart (trial.py).
And the report of what runs here. Loaded for this, and forgotten after it.

The message on `config` is {"version": n, "config": {…}}; config_own.py says what it may leave to the board. The report
on `config/reported`: `version` (the wanted one that it is about; null when it could not be read), `ok` (true: it runs;
false: it does not, `problems` says why; null: on trial, since the start number `trial`), `running` (the version that
runs; 0: none that was sent), `digest` (of what runs, without its secrets) and `certificate` (the day on which the one
that the board shows ends).
"""

import gc
import json
import sys

import bordstein
from bordstein.config_own import complete, digest
from bordstein.configstate import NEW, RUNNING, exists, failed, load, save
from bordstein.log import say

# Needed as long as this module is.
del bordstein.config_own, sys.modules["bordstein.config_own"]
del bordstein.configstate, sys.modules["bordstein.configstate"]

_LONGEST = 4096


async def follow(board, payload):
    """Take what is wanted (bytes; b"": nothing new; None: too long for the link) and report. board: app.App."""
    version = None  # type: int | None
    problems = []
    await _answer(board)  # a new configuration would overwrite it
    try:
        if payload != b"":
            version, wanted = _parse(payload)
            if _is_new(board, version) and _take(version, wanted):
                await board.restart("to try configuration %d" % version)
                return
            wanted = None
    except ValueError as error:
        problems = [str(error)]
    except OSError as error:
        problems = ["flash does not take it: %s" % error]
    except (MemoryError, RuntimeError):
        problems = ["it is too long or too deeply nested for a board"]
    for problem in problems:
        say("config: wanted:", problem)
    message = _report(board, load())
    if problems:
        message.update(version=version, ok=False, problems=problems)
    await board.publish("config/reported", json.dumps(message).encode(), True)


async def _answer(board):
    """What became of a renewed certificate is the result of the command that brought it."""
    state = load()
    if "result" in state:
        await board.publish("command/result", json.dumps(state["result"]).encode())
        state = load()
        del state["result"]
        try:
            save(**state)
        except OSError as error:
            say("config: flash does not take that a result is sent:", error)


def _parse(payload):
    """(version, configuration) of a message; ValueError."""
    if payload is None or len(payload) > _LONGEST + 64:
        raise ValueError("the configuration is longer than the %d bytes that a board takes" % _LONGEST)
    try:
        message = json.loads(payload)
        version, wanted = message["version"], message["config"]
    except (ValueError, KeyError, TypeError):
        version = wanted = None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1 or not isinstance(wanted, dict):
        raise ValueError('this is not {"version": 1, "config": {…}}')
    return version, wanted


def _is_new(board, version):
    state = load()
    new = version not in (state.get("version"), state.get("failed"), state.get("trial"))
    if board.trial:
        board.trial.later = new
        return False
    return new and "certificate" not in state  # that is tried first, and the broker gives this again after it


def _take(version, wanted):
    """Write it down for a trial, if it has no mistakes; whether that is so. OSError."""
    wanted = complete(wanted, _own(RUNNING))
    problems = _mistakes(wanted)
    if problems:
        for problem in problems:
            say("config: wanted:", problem)
        failed(load(), version, problems)
        return False
    with open(NEW, "w") as file:
        json.dump(wanted, file)
    save(version=load().get("version", 0), trial=version)
    return True


def _mistakes(config):
    """All mistakes. With little memory some only show when the next start looks at it, which then goes back at once."""
    loaded = set(sys.modules)
    try:
        from bordstein.config import checker

        return checker(exists).whole(config)
    except MemoryError:
        say("config: wanted: checked by the next start, here is no memory for it")
        return []
    finally:
        for name in set(sys.modules) - loaded:  # the rules, and drivers that nobody uses yet
            parent, _, own = name.rpartition(".")
            if hasattr(sys.modules.get(parent), own):
                delattr(sys.modules[parent], own)
            del sys.modules[name]
        gc.collect()


def _own(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.loads(file.read().lstrip("\ufeff"))
    except (OSError, ValueError):
        return {}


def _report(board, state):
    trial = board.trial
    running = trial.version if trial else state.get("version", 0)
    message = {"version": running, "ok": True, "problems": [], "running": running}
    message["digest"] = digest(_own(trial.path if trial else RUNNING))
    end = _end(board.config["mqtt"])
    if end:
        message["certificate"] = end
    if trial:
        message.update(ok=None, trial=board.spool.boot)
    elif "failed" in state:
        message.update(version=state["failed"], ok=False, problems=state["problems"])
    return message


def _end(mqtt):
    """The last day of the certificate that is shown, like 2036-11-23; None: there is none, or none in DER."""
    try:
        with open(mqtt["cert"], "rb") as file:
            der = file.read()
    except (OSError, KeyError, TypeError):
        return None
    # Validity (RFC 5280): two times, the first before 2050 as YYMMDD…Z (tag 0x17, 13 bytes).
    for head in (b"\x30\x1e\x17\x0d", b"\x30\x20\x17\x0d"):
        at = der.find(head) + 17
        if at > 17:
            century = "20" if der[at : at + 1] == b"\x17" else ""
            day = century + der[at + 2 : at + 10 - len(century)].decode()
            if len(day) == 8:
                return "%s-%s-%s" % (day[:4], day[4:6], day[6:])
    return None
