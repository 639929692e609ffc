import json

from tests.bench import firmware

for figure in firmware.run():
    print(json.dumps(figure), flush=True)
