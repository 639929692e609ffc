import sys
import time

try:
    import bordstein.app
except Exception as error:  # noqa: BLE001  # on trial: then the next start takes the other; Ctrl-C stops here
    import machine

    sys.print_exception(error)
    time.sleep(10)
    machine.reset()

bordstein.app.run()
