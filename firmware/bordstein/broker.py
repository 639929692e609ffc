"""Makes the link to the broker of a configuration. Needed once a start, and forgotten after it."""

import asyncio

from bordstein.log import say
from bordstein.state import will


class NoLink:
    """Stands where the link would be on a board that has no broker to talk to: it only measures and keeps."""

    connected = False
    session = in_flight = last_contact = 0
    idle = True
    problem = ""

    @staticmethod
    def silent_s():
        return 0

    async def wait_connected(self):
        await asyncio.Event().wait()


def make(mqtt, device, topics, boot, on_message, resolver, problems):
    """The Link of the section `mqtt` (None: there is none). Adds to problems what is in the way."""
    if mqtt is None:
        return NoLink()
    from bordstein.link import Link
    from bordstein.stream import make_context

    context = None
    if mqtt["tls"]:
        try:
            context = make_context(mqtt["ca"], mqtt.get("cert"), mqtt.get("key"))
        except (OSError, ValueError) as error:
            problems.append("mqtt: the certificates can't be used (%s); issue and copy them again" % error)
            say("config:", problems[-1])
            return NoLink()
    return Link(
        host=mqtt["host"],
        port=mqtt["port"],
        device=device,
        tls_context=context,
        keepalive_s=mqtt["keepalive_s"],
        will=(topics + "state", will(boot)),
        subscriptions=[topics + name for name in ("receipt", "command", "config", "release", "release/data")],
        on_message=on_message,
        resolver=resolver,
    )
