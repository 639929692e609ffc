"""Compiles the firmware into the wheel, for `bordstein deploy`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledFirmware(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling calls initialize() before it packs the wheel, and finalize() after."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # a checkout has `make package`
            return
        self._folder = tempfile.TemporaryDirectory()
        compiled = Path(self._folder.name) / "compiled"
        subprocess.run([sys.executable, Path(self.root) / "dev" / "mpy.py", compiled], check=True)  # noqa: S603  # ours
        build_data["force_include"][str(compiled / "bordstein")] = "bordstein_tools/compiled/bordstein"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()
