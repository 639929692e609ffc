"""Copies what the staff's pages take from npm into the package: `assets.py NODE_MODULES`.

bordstein_gateway/static/vendor/PACKAGE/…       the files named here
bordstein_gateway/static/vendor/licences.json   name, version, licence and its text, of these packages and all that
                                                is bundled in them
"""

import json
import shutil
import sys
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "gateway/bordstein_gateway/static/vendor"
FILES = {
    "bpmn-js": (
        "dist/bpmn-navigated-viewer.production.min.js",
        "dist/assets/bpmn-js.css",
        "dist/assets/diagram-js.css",
    ),
    "leaflet": (
        "dist/leaflet.js",
        "dist/leaflet.css",
        "dist/images/layers.png",
        "dist/images/layers-2x.png",
        "dist/images/marker-icon.png",
        "dist/images/marker-icon-2x.png",
        "dist/images/marker-shadow.png",
    ),
    "uplot": ("dist/uPlot.iife.min.js", "dist/uPlot.min.css"),
}

NAMES = {"bpmn-js": "bpmn.io License"}
"""Of licences that are on no list."""


def main(modules: Path) -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for package, names in FILES.items():
        for name in names:
            target = VENDOR / package / name.removeprefix("dist/").removeprefix("assets/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / package / name, target)
    found = [licence(modules / name) for name in shipped(json.loads((modules / ".package-lock.json").read_text()))]
    (VENDOR / "licences.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def shipped(lock: dict[str, dict[str, dict[str, object]]]) -> list[str]:
    """The packages that are not for tests alone."""
    names = (name.removeprefix("node_modules/") for name, entry in lock["packages"].items() if not entry.get("dev"))
    return sorted(name for name in names if name)


def licence(folder: Path) -> dict[str, str]:
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.iterdir()) if "licen" in file.name.lower()]
    name = NAMES.get(about["name"]) or about["license"]
    return {"name": about["name"], "version": about["version"], "licence": name, "text": "\n".join(texts).strip()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
