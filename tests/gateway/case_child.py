"""A process that works on cases until it is killed, and says on its output what was confirmed.

python -m tests.gateway.case_child FOLDER FIRST
"""

import sys
from itertools import count
from pathlib import Path

from tests.gateway.case_town import Law, hall, sheet

ORDER = {"id": "order", "title": "Auftrag", "service": "open311", "target": "requests"}


def main() -> None:
    folder = Path(sys.argv[1])
    town = hall(folder / "bordstein.sqlite", folder)
    steps = [{"id": "look", "title": "Nachsehen"}, ORDER, {"id": "report", "title": "Melden"}]
    town.law = Law(sheet(step=steps), 1)
    for number in count(int(sys.argv[2])):
        id = town.fires(object=f"object {number}")
        assert id is not None
        case = town.cases.get(id)
        assert case is not None
        print(number, "opened", flush=True)
        town.cases.tick_off(id, 1, "eva").result()
        print(number, "looked", flush=True)
        town.cases.answered(f"{case.number}/order", True, {"id": "1"}).result()
        print(number, "ordered", flush=True)
        town.cases.tick_off(id, 3, "eva").result()
        town.cases.done(id, "eva").result()
        print(number, "done", flush=True)


if __name__ == "__main__":
    main()
