"""Sensor drivers, one module a chip, found and loaded by name: `"driver": "bme280"` is bme280.py, and costs no memory
where nobody names it. What several drivers share stands in shared/.

A driver module has a pure part (bytes or counts in, scaled integers out; no bus, no clock) and one class `Driver`:

    OPTIONS      its keys in the configuration, in the language of config_rules.RULES; plain text, the tools read it too
    PROPERTIES   names of the property table that it can report
    WARM_UP_S    seconds after power-on whose readings are no good
    INTERVAL_S   how often it is read when the configuration says nothing
    SAMPLE_S     (if it has to look more often than it reports) how often
    RESETS       (if its setup resets the chip) True: it has to warm up again
    STUCK_AFTER  (if its last digits are never still) as many identical readings are a failure
    Driver(options, platform)   stores only; options: the sensor's section of the configuration, options["bus"]: the bus
    await setup()               finds and prepares the chip
    await read()                list of (property, integer scaled by 10**decimals of the property table, or bool)
    describe()                  what is there, for the log and for people
    await calibrate(what)       (where something can be) take what is there now for `what`; what is kept, a dict
    await wait()                (event sensors only) returns when a reading should be taken now
    keep(), resume(kept)        (where something has to outlive deep sleep) what it knows, small and fit for JSON; and
                                back, after setup
    await lie_down()            (with the option `wake`) before deep sleep: the pin object and level that are to end it

setup, read and calibrate end within a bounded time and raise OSError or ValueError with a sentence that says what is
wrong.
"""

import gc
import os


def names():
    """The drivers that are there, in order: all modules in this folder, as source or compiled."""
    files = [name.rsplit(".", 1) for name in os.listdir(__file__.rsplit("/", 1)[0])]
    return sorted({file[0] for file in files if file[-1] in ("py", "mpy") and file[0] != "__init__"})


def load(name):
    """The Driver class of a driver; ImportError when there is none."""
    gc.collect()  # what stays for good is not to lie between garbage: memory would be in crumbs
    return __import__("bordstein.sensors." + name, None, None, ("Driver",)).Driver
