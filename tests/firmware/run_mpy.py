"""Runs one test function in MicroPython: run_mpy.py MODULE FUNCTION; the last line it prints is OK if it passed."""

import sys

module = __import__(sys.argv[1])
getattr(module, sys.argv[2])()
print("\nOK")
