"""What a configuration means for pins and for the link to the broker. Needed once a start, and forgotten after it."""

import asyncio

from bordstein import platform
from bordstein.log import say
from bordstein.state import will


class NoLink:
    """Stands where the link would be on a board that has no broker to talk to: it only measures and keeps."""

    connected = False
    session = last_contact = 0
    flight = ()
    idle = True
    problem = ""

    @staticmethod
    def silent_s():
        return 0

    async def wait_connected(self):
        await asyncio.Event().wait()


def use_pins(config, problems):
    """LED and supply: what this chip can't do with a pin must not keep the board from measuring, but is a problem."""
    try:
        path = "led"
        platform.use_led(config.get("led"))
        path = "supply.pin"
        if config["supply"]:
            platform.use_supply(config["supply"]["pin"], config["supply"]["factor"])
    except (OSError, ValueError) as error:
        problems.append("%s: this chip can't use that pin so (%s); choose another" % (path, error))
        say("config:", problems[-1])


def make_link(config, device, topics, boot, on_message, resolver, problems):
    """The Link to the configuration's broker; NoLink, and a problem, where it can't be."""
    mqtt = config["mqtt"]
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
