"""Runs one test function in MicroPython: run_mpy.py MODULE FUNCTION; the last line it prints is OK if it passed."""

import sys


def run():
    module = __import__(sys.argv[1])
    getattr(module, sys.argv[2])()
    print("\nOK")


if sys.maxsize >> 32:
    run()
else:
    # The Unix port's main stack of 40 kB is too small for imports within imports; a thread's can be larger.
    import _thread

    def run_and_release():
        try:
            run()
        finally:
            done.release()

    done = _thread.allocate_lock()
    done.acquire()
    _thread.stack_size(1 << 20)
    _thread.start_new_thread(run_and_release, ())
    done.acquire()
