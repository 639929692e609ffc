"""`make bench`: measures and prints one JSON object a line: {"name", "value", "unit"}."""

import json

from tests.bench import backlog, feeds, firmware, forward, gateway, rules, sensorthings

for group in (firmware, gateway, forward, backlog, feeds, sensorthings, rules):
    for figure in group.run():
        print(json.dumps(figure), flush=True)
