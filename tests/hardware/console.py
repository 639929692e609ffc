"""A virtual board on a cable: speaks on stdin and stdout as an ESP32 with MicroPython does on its UART.

    micropython -X heapsize=400K tests/hardware/console.py SCENARIO.json [--cause watchdog]

The scenario is as for board.py, but `flash` is the file of the whole chip (made, erased, when missing) with the volume
at `volume_offset`, and only what lies there runs: boot.py, main.py, then the prompt. A volume that can't be mounted is
made anew with MicroPython's own boot.py in it. Prompt, raw REPL, raw paste and soft reset are those of
MicroPython's shared/runtime/pyexec.c and ports/esp32/main.c; how the process ends stands in README.md.
"""

import asyncio  # first, as in board.py
import builtins
import io
import json
import os
import sys
from collections import namedtuple

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = 1, 2, 3, 4, 5
_BANNER = (
    'MicroPython v%d.%d.%d on 2025-04-15; Generic ESP32 module with ESP32\r\nType "help()" for more information.\r\n'
)
_RAW = "raw REPL; CTRL-B to exit\r\n"
_FRESH_BOOT = "# This file is executed on every boot (including wake-boot from deepsleep)\n"
_WINDOW = 128  # of raw paste
_TURN_MS = 20

_print = print
_names = {"__name__": "__main__"}  # of boot.py, main.py and the prompt
_line = None  # the module serial_line


def say(text):
    _line.write(text.encode())


def _cooked_print(*values, **how):
    if how.get("file"):
        return _print(*values, **how)
    text = io.StringIO()
    how["file"] = text
    _print(*values, **how)
    _line.write(text.getvalue().replace("\n", "\r\n").encode())


def mount(scenario):
    """The volume at /flash, as the working directory."""
    import vfs
    from simulated.flashdisk import FileDisk

    offset = scenario.get("volume_offset", 0x200000)
    disk = FileDisk(scenario["flash"], scenario.get("flash_blocks", 512), 4096, offset=offset)
    try:
        volume = vfs.VfsLfs2(disk)
    except OSError:
        vfs.VfsLfs2.mkfs(disk)
        volume = vfs.VfsLfs2(disk)
        with volume.open("boot.py", "w") as file:
            file.write(_FRESH_BOOT)
    vfs.mount(volume, "/flash")
    os.chdir("/flash")
    return disk


def _stopped(error):
    """What a board prints of an exception; without the way through this file."""
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = text.getvalue().split("\n")
    say("\r\n".join([line for line in lines if "console.py" not in line and "serial_line.py" not in line]))


def run(source, name, kind="exec"):
    """Did it end without an exception? SystemExit."""
    try:
        exec(compile(source, name, kind), _names)
        return True
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt, too: the prompt goes on
        _stopped(error)
        return False


def run_file(name):
    """Did it end well, or is there none?"""
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return True
    return run(source, name)


class Reset(Exception):
    """Somebody asked for a soft reset."""


class Sys:
    """`sys` as the board's software and the tools see it: it says which chip this is."""

    implementation = namedtuple("implementation", ("name", "version", "_machine", "_mpy"))(
        "micropython", sys.implementation.version, "Generic ESP32 module with ESP32", sys.implementation._mpy
    )

    def __getattr__(self, name):
        return getattr(sys, name)


def raw():
    """The raw REPL, until Ctrl-B. Reset."""
    say(_RAW)
    while True:
        say(">")
        source = bytearray()
        while True:
            byte = _line.read()
            if byte == _CTRL_A:
                say(_RAW)
                break
            if byte == _CTRL_B:
                say("\r\n")
                return
            if byte == _CTRL_C:
                source = bytearray()
            elif byte == _CTRL_D:
                say("OK")
                if not source:
                    say("\r\n")
                    raise Reset
                _answer(source)
                break
            elif byte == _CTRL_E and not source:
                if _paste():
                    break
            else:
                source.append(byte)


def _paste():
    """Raw paste; False: it was something else."""
    if _line.read() != ord("A") or _line.read() != 1:
        say("R\x00")
        return False
    _line.write(b"R\x01" + _WINDOW.to_bytes(2, "little") + b"\x01")
    source = bytearray()
    left = _WINDOW
    while True:
        data = _line.take(left, True)
        ends = [at for at in (data.find(b"\x03"), data.find(b"\x04")) if at >= 0]
        if ends:
            end = min(ends)
            source += data[:end]
            _line.back(data[end + 1 :])
            _line.write(b"\x04")
            if data[end] == _CTRL_C:
                source = b"raise KeyboardInterrupt"
            _answer(source)
            return True
        source += data
        left -= len(data)
        if not left:
            left = _WINDOW
            _line.write(b"\x01")


def _answer(source):
    """Runs it between the marks of the raw REPL."""
    error = None
    try:
        exec(compile(bytes(source).decode(), "<stdin>", "exec"), _names)
    except SystemExit:
        raise Reset from None
    except BaseException as stopped:  # noqa: BLE001
        error = stopped
    _line.write(b"\x04")
    if error:
        _stopped(error)
    _line.write(b"\x04")


def friendly():
    """The prompt, until Ctrl-A. Reset."""
    say(_BANNER % sys.implementation[1][:3])
    text, block = bytearray(), ""
    say(">>> ")
    while True:
        byte = _line.read()
        if byte == _CTRL_A and not text:
            say("\r\n")
            return
        if byte == _CTRL_B:
            say("\r\n" + _BANNER % sys.implementation[1][:3] + ">>> ")
        elif byte == _CTRL_C:
            text, block = bytearray(), ""
            say("\r\n>>> ")
        elif byte == _CTRL_D and not text:
            say("\r\n")
            raise Reset
        elif byte in (8, 127):
            if text:
                text = text[:-1]
                say("\b \b")
        elif byte in (10, 13):
            say("\r\n")
            entered, text = text.decode(), bytearray()
            if entered.endswith(":") or (block and entered):
                block += entered + "\n"
                say("... ")
                continue
            if block or entered:
                try:
                    run(block + entered + "\n", "<stdin>", "single")
                except SystemExit:
                    raise Reset from None
            block = ""
            say(">>> ")
        elif byte >= 32:
            text.append(byte)
            _line.write(bytes((byte,)))


def soft_reset(disk, is_raw):
    """Begins anew in this process, as a board does without a new start of its chip. Does not return."""
    import ffi
    import uctypes
    from simulated import board

    say("MPY: soft reboot\r\n")
    board.restarts_by("soft")
    disk.close()
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().split(b"\0")[:-1]
    given = [word for word in words if word not in (b"--raw", b"--soft")]
    if b"--cause" in given:
        at = given.index(b"--cause")
        del given[at : at + 2]
    given = [word + b"\0" for word in given + [b"--soft"] + ([b"--raw"] if is_raw else [])]
    addresses = [uctypes.addressof(word) for word in given] + [0]
    vector = b"".join([address.to_bytes(8, "little") for address in addresses])
    ffi.open("libc.so.6").func("i", "execv", "sp")("/proc/self/exe", vector)
    raise OSError("this process cannot begin anew")


def interruptible():
    """Ctrl-C reaches a program that waits in asyncio."""
    wait = asyncio.core.IOQueue.wait_io_event

    def look_and_wait(queue, ms):
        _line.look()
        wait(queue, _TURN_MS if ms < 0 else min(ms, _TURN_MS))

    asyncio.core.IOQueue.wait_io_event = look_and_wait


def fire_timers(due):
    """At the prompt hardware timers go on. due: [seconds until the next turn of each], by its id."""
    import machine

    for id, (period, _) in list(machine.Timer._running.items()):
        due[id] = due.get(id, period) - 1000
        if due[id] <= 0:
            due[id] = period
            machine.Timer.fire(id)


def main(arguments):
    global _line
    cause = arguments[arguments.index("--cause") + 1] if "--cause" in arguments else None
    is_raw = "--raw" in arguments
    here = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
    here = here if here.startswith("/") else os.getcwd() + "/" + here
    with open(arguments[0]) as file:
        scenario = json.load(file)
    sys.path[:] = ["", here + "/console_port", here + "/port", here, ".frozen"]

    import serial_line
    from simulated import board, world

    _line = serial_line
    _line.gone = board._exit
    _line.idle = lambda due={}: fire_timers(due)
    builtins.print = _cooked_print
    interruptible()
    sys.modules["sys"] = Sys()
    board.start(scenario, cause)
    world.load(scenario)
    disk = mount(scenario)
    try:
        # As an ESP32: a soft reset out of the raw REPL runs boot.py alone.
        if run_file("boot.py") and not is_raw:
            run_file("main.py")
    except SystemExit:
        soft_reset(disk, False)
    try:
        while True:
            if not is_raw:
                friendly()
                is_raw = True
            raw()
            is_raw = False
    except Reset:
        soft_reset(disk, is_raw)


if __name__ == "__main__":
    main(sys.argv[1:])
