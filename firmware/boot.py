# Runs first on a board: chooses the software, then gives a technician a second to get in over USB: Ctrl-C now gives the
# prompt, and main.py is not run. No update over the air ever replaces boot.py and main.py; README.md says why they do.
import sys
import time


def _choose():
    """(slot, is it on trial?); "-" is what came over the cable. The file `slot` is update/slots.py's."""
    import os
    from binascii import crc32

    import machine

    active = "-"
    try:
        with open("slot", "rb") as file:
            data = file.read(8)
        if crc32(data[:3]) != int.from_bytes(data[3:], "big"):
            return active, False
        active, trial, left = data[:3].decode()
        # The first start of a trial, or one after a power cut, for which the software on trial can do nothing.
        if trial != "-" and (left == "3" or (left in "12" and machine.reset_cause() == machine.PWRON_RESET)):
            data = (active + trial + str(int(left) - 1)).encode()
            with open("slot.new", "wb") as file:
                file.write(data + crc32(data).to_bytes(4, "big"))
            os.rename("slot.new", "slot")
            return trial, True
    except (OSError, ValueError):
        pass
    return active, False


_slot, _trial = _choose()
del _choose
if _slot != "-":
    sys.path.insert(0, _slot)
try:
    from bordstein import platform, prompt

    prompt.hold_watchdog()
    del prompt
except Exception:
    if _trial:  # it does not even load: the next start takes the other
        import machine

        machine.reset()
    raise
if platform.reset_cause() != "deep-sleep":  # a battery has no second for that at each wake-up
    print("bordstein: Ctrl-C within a second stops here")
    time.sleep_ms(1000)
