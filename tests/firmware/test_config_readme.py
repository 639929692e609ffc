"""What firmware/README.md and the example say of the configuration is what the checker knows."""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein import config_check, config_rules  # noqa: E402
from bordstein_tools.config.firmware_rules import Drivers  # noqa: E402

README = (ROOT / "firmware/README.md").read_text(encoding="utf-8")
RULES = config_rules.RULES | {name: Drivers.load(name).OPTIONS for name in Drivers.names()}
EXAMPLE = json.loads((ROOT / "firmware/config.example.json").read_text(encoding="utf-8"))


def tables():
    """{section: {key: [what, allowed, default]}} of the README's tables; the section of the top level is \"\"."""
    text = README.partition("## The configuration")[2].partition("### A complete example")[0]
    found = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("### "):
            section = line[4:].strip("`")
        elif line.startswith("| `"):
            first, *cells = [cell.strip() for cell in line.strip("| ").split("|")]
            for key in re.findall("`([^`]+)`", first):
                found.setdefault(section, {})[key] = cells
    return found


def test_every_key_is_in_the_readme_and_nothing_else():
    found = tables()
    sections = {key for key in found[""] if key.partition(".")[0] in config_check.SECTIONS}
    assert {key.partition(".")[0] for key in sections} == set(config_check.SECTIONS)
    for key in sections:
        del found[""][key]
    keys = {section: [line.split(" ")[0] for line in lines.split("\n")] for section, lines in RULES.items()}
    assert {section: sorted(table) for section, table in found.items()} == {
        section: sorted(names) for section, names in keys.items()
    }


def test_limits_and_defaults_are_those_of_the_checker():
    found = tables()
    for section, lines in RULES.items():
        for line in lines.split("\n"):
            key, kind, *words = line.split(" ")
            _, allowed, default = found[section][key]
            if kind in ("int", "address"):
                assert allowed == f"{words[0]}–{words[1]}", line
            if kind == "one":
                assert allowed == ", ".join(f"`{word}`" for word in words if word != "!"), line
            if words and words[-1] == "!":
                assert default == "needed", line
            elif words and words[-1].startswith("="):
                assert default == words[-1][1:], line
            else:
                assert default != "needed" or key == "type", line


def test_the_example_is_sound_and_has_every_key_that_does_not_belong_to_a_driver():
    board = tomllib.loads((ROOT / "boards" / f"{EXAMPLE['board']}.toml").read_text(encoding="utf-8"))
    assert config_check.Check(pins=board["pins"]).whole(EXAMPLE) == []
    assert {key: EXAMPLE["buses"][key] for key in board["buses"]} == board["buses"]
    text = json.dumps(EXAMPLE)
    for section, lines in config_rules.RULES.items():
        # Wi-Fi is enough, and this board does not sleep.
        for line in lines.split("\n") if section not in ("ethernet", "ppp", "address", "sleep") else ():
            assert section == "sensor" or f'"{line.split(" ")[0]}":' in text, line
    assert {bus["type"] for bus in EXAMPLE["buses"].values()} == set(config_check.BUSES)


def test_every_driver_is_in_the_list_of_sensors():
    listed = README.partition("## Sensors\n")[2].partition("\n## ")[0]
    assert sorted(re.findall("`([a-z0-9_]+)`", re.sub(r"^\| (`[^|]*) \|.*", r"\1", listed, flags=re.M))) == sorted(
        [*Drivers.names(), "power"]
    )


def test_the_readme_comments_on_the_whole_example():
    shown = README.partition("```jsonc\n")[2].partition("```")[0]
    assert json.loads(re.sub(" // .*", "", shown)) == EXAMPLE
    assert len(re.findall(" // ", shown)) >= 10
