#!/bin/sh
# Type-checks firmware/ against the stubs of stock ESP32 MicroPython.
#
# mypy takes a standard library only from a typeshed folder and other stubs only from outside site-packages,
# so both are laid out below .cache/ first, by what the two stub packages list as theirs.
set -eu
cd "$(dirname "$0")/../.."
.venv/bin/python - <<'PYTHON'
import importlib.metadata, pathlib, shutil

target = pathlib.Path(".cache/typings")
versions = " ".join(importlib.metadata.version(f"micropython-{kind}-stubs") for kind in ("esp32", "stdlib"))
stamp = target / "stamp"
if not stamp.exists() or stamp.read_text() != versions:
    shutil.rmtree(target, ignore_errors=True)
    for kind, folder in (("stdlib", "typeshed"), ("esp32", "esp32")):
        for file in importlib.metadata.files(f"micropython-{kind}-stubs") or ():
            if file.suffix in (".pyi", "") and ".dist-info" not in file.parts[0] or file.name == "VERSIONS":
                destination = target / folder / file
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), destination)
    stamp.write_text(versions)
PYTHON
MYPYPATH=.cache/typings/esp32 exec .venv/bin/mypy --config-file tools/dev/mypy-firmware.ini \
    --custom-typeshed-dir .cache/typings/typeshed --cache-dir .cache/mypy-firmware
