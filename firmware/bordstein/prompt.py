"""Somebody may be at the prompt, or mpremote at work. Loaded by boot.py and after Ctrl-C, and forgotten again."""

from bordstein import platform


def hold_watchdog(limit_ms=120000, seconds=3600):
    """Let a timer feed the watchdog for so long.

    The watchdog outlives a soft reset, the timer does not; so boot.py calls this too, and as no update replaces
    boot.py, by this name for ever. When nobody starts the application again, the watchdog restarts the board in the
    end.
    """
    dog = platform.machine.WDT(timeout=limit_ms)
    left = [seconds * 4000 // limit_ms]

    def feed(timer):
        dog.feed()
        left[0] -= 1
        if not left[0]:
            timer.deinit()

    platform.machine.Timer(0).init(period=limit_ms // 4, callback=feed)
