"""Runs the firmware as a virtual board. For Unix-port MicroPython:

    micropython -X heapsize=400K tests/hardware/board.py SCENARIO.json [--cause watchdog]

Builds the scenario's chips, mounts a littlefs volume on its flash file (formatted when blank), puts its files there,
installs the flight recorder and runs the firmware's boot.py and main.py. Everything about scenarios: README.md.
"""

import asyncio  # noqa: F401  (first: with words of 32 bits the stack is too small to load it from deep within)
import json
import os
import sys

_BLOCKS, _BLOCK_SIZE = 512, 4096


def _folder(path):
    return path.rsplit("/", 1)[0] if "/" in path else "."


def _absolute(path):
    return path if path.startswith("/") else os.getcwd() + "/" + path


def mount(scenario):
    """The flash at /flash, as the working directory; a volume that can't be mounted is made anew, as on a board."""
    import vfs
    from simulated.flashdisk import FileDisk

    disk = FileDisk(scenario["flash"], scenario.get("flash_blocks", _BLOCKS), _BLOCK_SIZE)
    try:
        volume = vfs.VfsLfs2(disk)
    except OSError:
        vfs.VfsLfs2.mkfs(disk)
        volume = vfs.VfsLfs2(disk)
    vfs.mount(volume, "/flash")
    os.chdir("/flash")
    return disk


def install(files, keeps=()):
    """Copies host files onto the volume (name -> host path) where their contents differ; those in keeps where there is
    none."""
    for name, source in files.items():
        if name in keeps and name in os.listdir():
            continue
        with open(source, "rb") as file:
            wanted = file.read()
        try:
            with open(name, "rb") as file:
                if file.read() == wanted:
                    continue
        except OSError:
            pass
        with open(name, "wb") as file:
            file.write(wanted)


def install_tree(source, name=""):
    """Copies a host folder onto the volume."""
    for entry in list(os.ilistdir(source)):
        path = name + entry[0]
        if entry[1] == 0x4000:
            os.mkdir(path)
            install_tree(source + "/" + entry[0], path + "/")
        else:
            install({path: source + "/" + entry[0]})


def main(arguments):
    cause = None  # as the last process left it
    if "--cause" in arguments:
        at = arguments.index("--cause")
        cause = arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2 :]
    if len(arguments) != 1:
        print(__doc__)
        return 2
    here = _absolute(_folder(__file__))
    with open(arguments[0]) as file:
        scenario = json.load(file)
    firmware = scenario.get("firmware", here + "/../../firmware")
    on_flash = scenario.get("firmware_on_flash")
    sys.path[:] = ["", here + "/port", here, ".frozen"]
    if not on_flash:
        sys.path.insert(1, firmware)

    from simulated import board, world

    board.start(scenario, cause)
    world.load(scenario)
    mount(scenario)
    install(scenario.get("files", {}), scenario.get("keeps", ()))
    if on_flash:
        if "boot.py" not in os.listdir():
            install_tree(firmware)
        firmware = "."
    for name in ("boot.py", "main.py"):
        if name == "main.py" and "recorder" in scenario:  # boot.py chooses the software
            import recorder

            recorder.install(scenario["recorder"], board.cause_name)
        with open(firmware + "/" + name) as file:
            exec(compile(file.read(), name, "exec"), {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
