"""Software from afar. Loaded while an update is under way and after a start, and forgotten again.

What the town offers on `release` is unsigned: {"order": 3, "version": "0.2.0", "sha256": "<of the manifest>"}. What is
installed comes from the signed manifest at the beginning of the pack. Each order gets one end: `done`, `failed` (it was
tried) or `refused`, in the board's state under `update`, with the sentence why.
"""

import asyncio
import json

import bordstein
from bordstein import log
from bordstein.log import say
from bordstein.update import slots

ENDS = ("done", "failed", "refused")


class Refused(Exception):
    """The sentence why a release is not installed."""


class Later(Exception):
    """Not now: the order was taken back or replaced, or the gateway is silent. The next offer goes on."""


class Update:
    """app: App. take() is called with what comes on `release` and `release/data`, run() once."""

    def __init__(self, app):
        self.app = app
        self.record = slots.record()
        app.state.update = self.record.get("last")
        self.news = asyncio.Event()  # something came
        self.piece = None
        self.offer = None  # the newest
        self.fetching = False  # a download, which the next offer goes on with

    def take(self, topic, payload):
        """A message."""
        if topic.endswith("/data"):
            self.piece = payload
        elif payload == self.offer:
            return  # after a reconnect
        else:
            self.offer = payload
        self.news.set()

    async def run(self, offer):
        """offer: what came on `release`; None: the board has just started."""
        self.offer = offer
        if offer is None:
            from bordstein.update import trial

            await trial.look(self)
        while self.offer:
            offer = self.offer
            await self._follow(offer)
            if self.offer == offer:
                return

    def tell(self, result, why="", **last):
        """Remember how the order stands and say it to the town."""
        last = last or {key: self.record["last"][key] for key in ("order", "version")}
        last["result"] = result
        if why:
            last["why"] = why
        say("update: %s: %s" % (last["version"], why or result))
        if self.record.get("last") != last:
            self.record["last"] = last
            if result != "fetching":
                slots.remember(self.record)
        self.app.state.update = last
        self.app.state.refresh()

    async def _follow(self, payload):
        try:
            offer = json.loads(payload)
            order, version = offer["order"], offer["version"]
            if not isinstance(order, int) or not isinstance(offer["sha256"], str):
                raise ValueError("order is no number or sha256 no text")
        except (ValueError, KeyError, TypeError) as error:
            say("update: an offer that can't be read is ignored:", error)
            return
        last = self.record.get("last", {})
        if last.get("order") == order and last.get("result") in ENDS:
            return
        if version == bordstein.__version__:
            self.tell("done", order=order, version=version)
            return
        self.tell("fetching", order=order, version=version)
        try:
            from bordstein.update.install import Install

            self.fetching = True
            await Install(self, offer).run()
        except Later as error:
            say("update:", error)
        except MemoryError as error:
            log.trace(error)  # the next offer finds the heap otherwise
        except (Refused, OSError) as error:
            self.tell("refused", str(error) if isinstance(error, Refused) else "flash: %r" % error)
        except Exception as error:  # noqa: BLE001  # a manifest that is signed and yet not as it has to be
            log.trace(error)
            self.tell("refused", "the release can't be read (%r)" % error)
        finally:
            self.fetching = False
