"""`make setup-demo`: plays `bordstein setup` on a virtual board, for someone without hardware.

A blank ESP32 on a virtual cable, a broker and a gateway of its own, all on loopback and gone afterwards; what writes to
the board are the real esptool and the real mpremote.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.street import van
from tests.street.servers import Gateway, Mosquitto, Town


def main() -> int:
    """The exit code of `bordstein setup`."""
    with tempfile.TemporaryDirectory(prefix="bordstein-setup-") as directory:
        folder = Path(directory)
        works = van.works(folder / "works")
        town = Town(folder / "town")
        with Mosquitto(town) as broker, Gateway(town, broker, folder=folder / "gateway") as gateway:
            made = van.van(folder / "van", town, broker)
            van.town_file(made, broker)
            with van.board_on_a_cable(folder) as board:
                words = ["setup", "--port", board.url, *van.software(works), "--label", "label.pdf"]
                print(f"Blank ESP32 on {board.url}, gateway on {gateway.url}\n$ bordstein {' '.join(words)}\n")
                sys.stdout.flush()
                program = Path(sys.executable).with_name("bordstein")
                code = subprocess.run([program, *words], cwd=made, env=os.environ, check=False).returncode
                if code == 0:
                    print(f"\n$ cat {van.REGISTER}\n{(made / van.REGISTER).read_text()}", end="")
                return code


if __name__ == "__main__":
    sys.exit(main())
