"""The manifest of a release: what is in it, and for which boards. It is kept in its slot, with signature, as `release`.

JSON as a whole; and each of its lines is JSON once completed, so that a board never has all of it in memory:

    {"format":1,"version":"0.2.0","date":1795500000,"floor":"0.1.0","micropython":"1.25","mpy":6,…,"files":[
    ["bordstein/__init__.mpy",143,"<SHA-256 in hex>"],
    …
    ]}

`boards` are names of boards/, `chips` the chips on these, for a board whose configuration names none.
"""

import json
import sys

from micropython import const

from bordstein.update import Refused

START = const(392)  # of the manifest in a pack, and in the file


def head(path):
    """Everything but the files."""
    with open(path, "rb") as file:
        file.seek(START)
        return json.loads(file.readline() + b"]}")


def files(path):
    """Yield (name, size, SHA-256 in hex) in the order in which they lie in the pack."""
    with open(path, "rb") as file:
        file.seek(START)
        file.readline()
        while True:
            line = file.readline()
            if line[:1] == b"]":
                return
            name, size, digest = json.loads(line.strip().rstrip(b","))
            if not name.startswith("bordstein/") or ".." in name:
                raise Refused("%s can't be part of a release" % name)
            yield name, size, digest


def number(version):
    """ "0.2.0" -> (0, 2, 0)"""
    return tuple(int(part) for part in version.split("."))


def check(head, board, floor, newest):
    """Refused with the sentence why this release is not for this board. board: its name in the configuration, or "".

    floor: no older version; newest: no release signed before that.
    """
    version = head["version"]
    if head["format"] != 1:
        raise Refused("release %s has a form that this software does not know; install one in between" % version)
    ours = sys.implementation.version[:2]
    if number(head["micropython"]) > tuple(ours) or head["mpy"] != sys.implementation._mpy & 255:
        wanted = head["micropython"], head["mpy"]
        raise Refused(
            "release %s needs MicroPython %s (.mpy %d), this board has %d.%d" % ((version,) + wanted + tuple(ours))
        )
    chip = sys.implementation._machine.split(" ")[-1].lower()
    if board not in head["boards"] if board else chip not in head["chips"]:
        raise Refused("release %s is not for this kind of board (%s)" % (version, board or chip))
    if number(version) < number(floor):
        raise Refused("release %s is older than %s, below which this board must not go" % (version, floor))
    if head["date"] < newest:
        raise Refused("release %s was signed before one that this board has run; sign it again to go back" % version)
