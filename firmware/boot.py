# Runs first on a board. A second's pause lets a technician in over USB: Ctrl-C now gives the prompt, and main.py
# is not run.
import time

from bordstein import platform

platform.hold_watchdog()
print("bordstein: Ctrl-C within a second stops here")
time.sleep_ms(1000)
