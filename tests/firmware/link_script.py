"""Runs a link as the board does, told by a JSON file; prints a line for each thing that happens."""

import asyncio
import json
import sys

from bordstein import clock
from bordstein.link import Link
from bordstein.stream import make_context


async def main(told):
    clock.start(1)
    topics = "bordstein/v1/" + told.get("writes_as", told["device"]) + "/"
    link = Link(
        host=told["host"],
        port=told["port"],
        device=told["device"],
        tls_context=make_context(told["ca"], told["cert"], told["key"]),
        keepalive_s=told.get("keepalive_s", 60),
        will=(topics + "state", b'{"state":"lost"}'),
        subscriptions=["bordstein/v1/" + told["device"] + "/command"],
        on_message=lambda topic, payload: print("message", payload.decode()),
        resolver=resolver,
    )
    link.step_ms = told.get("step_ms", link.step_ms)
    link.on_connect.append(lambda present: print("connected", present))
    running = asyncio.create_task(link.run())
    for number in range(told["count"]):
        await link.publish(topics + "readings", b"%d" % number)
        await asyncio.sleep_ms(told.get("pause_ms", 0))
    print("published")
    if told.get("close"):
        await link.close()
    await running


async def resolver(host):
    return "127.0.0.1"


with open(sys.argv[1]) as file:
    told = json.load(file)
asyncio.run(main(told))
