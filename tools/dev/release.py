"""Makes a signed release of the firmware: dist/bordstein-VERSION.pack, for `bordstein-gateway release publish`.

python -m tools.dev.release --key FILE --version 0.2.0 [--floor 0.1.0] [--board NAME]... [--passphrase-file FILE]

The key is of `bordstein signing init`. The floor: what boards that ran this release never go back below; without it
they may go back as far as before. boot.py and main.py are not in a release: they choose between the old and the new.
"""

import argparse
import getpass
import sys
import tempfile
import time
from pathlib import Path

from bordstein_tools.keys import keyfiles, signing
from bordstein_tools.texts import Problem
from tools.dev.mpy import ROOT, build_time, compile_to


def files(version: str) -> dict[str, bytes]:
    """The compiled package: name below a slot -> content."""
    with tempfile.TemporaryDirectory() as directory:
        names = [name for name, _ in compile_to(Path(directory), version)]
        return {name: (Path(directory) / name).read_bytes() for name in names}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make release", description="Sign a release of the firmware.")
    parser.add_argument("--key", required=True, help="the signing key (release.key.pem)")
    parser.add_argument("--version", required=True, help="such as 0.2.0")
    parser.add_argument("--floor", default="0.0.0", help="boards that ran this release go back to nothing older")
    parser.add_argument("--board", action="append", default=[], help="a name of boards/; without it all")
    parser.add_argument("--passphrase-file", type=Path, help="its first line is the key's passphrase")
    options = parser.parse_args(arguments)
    try:
        if not options.key or not options.version:
            raise Problem(
                "KEY=Datei und VERSION=0.2.0 müssen angegeben werden.", "KEY=file and VERSION=0.2.0 have to be given."
            )
        path = Path(options.key)
        passphrase = None
        if signing.is_encrypted(path):
            if options.passphrase_file:
                content = keyfiles.read(options.passphrase_file, "Die Passphrase-Datei", "the passphrase file")
                passphrase = content.split(b"\n", 1)[0].rstrip(b"\r")
            else:
                passphrase = getpass.getpass("Passphrase: ").encode()
        key = signing.load(path, passphrase)
        pack = signing.pack(
            files(options.version),
            key,
            version=options.version,
            floor=options.floor,
            date=max(int(time.time()), build_time()),
            names=options.board,
        )
    except Problem as problem:
        print(f"release: {problem}", file=sys.stderr)
        return 1
    target = ROOT / "dist" / f"bordstein-{options.version}.pack"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(pack)
    print(f"{target.relative_to(ROOT)}: {len(pack)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
