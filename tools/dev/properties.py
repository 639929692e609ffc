"""Writes firmware/bordstein/properties.py, the boards' copy of the property table.

properties.py            write it
properties.py --check    say whether it is what the table gives; ends with 1 if not
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = "gateway/bordstein_gateway/properties.toml"
TARGET = "firmware/bordstein/properties.py"

MODULE = '''"""What a board can measure: unit and digits after the point, by name.

Generated from {table} by tools/dev/properties.py; edit the table, not this file.
One string and no dict: it stays in flash until it is searched.
"""

TABLE = """
{rows}
"""


def row(name):
    """(unit, decimals) of a property; KeyError when the table has none of that name."""
    start = TABLE.find("\\n" + name + " ")
    if start < 0 or not name or " " in name:
        raise KeyError(name)
    start += len(name) + 2
    unit, decimals = TABLE[start : TABLE.find("\\n", start)].split(" ")
    return unit, int(decimals)
'''


def module() -> str:
    """The module's text."""
    sys.path.insert(0, str(ROOT / "gateway"))
    from bordstein_gateway.properties import TABLE as table

    for row in table.values():
        if " " in row.unit or "\\" in row.unit or '"' in row.unit:
            raise SystemExit(f"{TABLE}: {row.name}: a unit must not contain a space, a quote or a backslash")
    rows = "\n".join(f"{row.name} {row.unit} {row.decimals}" for row in table.values())
    return MODULE.format(table=TABLE, rows=rows)


def main() -> int:
    target = ROOT / TARGET
    wanted = module()
    if "--check" in sys.argv[1:]:
        if not target.is_file() or target.read_text(encoding="utf-8") != wanted:
            print(f"{TARGET} does not match {TABLE}; run: make properties", file=sys.stderr)
            return 1
        return 0
    target.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
