"""The way out: one outbox a target, each with its own place in the store's log.

outbox.py keeps place, order and retry for all kinds; a kind is one module that sends a batch and says what was
refused (target.py has the contract).
"""

from ..config import Config, Forward, SensorThings, Webhook
from ..store import Store
from ..texts import both, said
from .outbox import Outbox
from .sensorthings import SensorThingsTarget
from .target import Target
from .unbuilt import Unbuilt
from .webhook import WebhookTarget

__all__ = ["Outbox", "start"]


def start(config: Config, store: Store) -> list[Outbox]:
    """One outbox for each [forward.…]; whoever calls runs them."""
    return [
        Outbox(name, settings, store, _target(name, settings, config, store))
        for name, settings in config.forward.items()
    ]


def _target(name: str, settings: Forward, config: Config, store: Store) -> Target:
    try:
        return _built(name, settings, config, store)
    except Exception as error:  # noqa: BLE001  (whatever it is, the others go on)
        why = said(error, "de") or type(error).__name__, said(error, "en") or type(error).__name__
        return Unbuilt(
            both(
                f"Dieses Ziel lässt sich nicht einrichten: {why[0]}; danach das Gateway neu starten.",
                f"This target can't be set up: {why[1]}; then start the gateway again.",
            )
        )


def _built(name: str, settings: Forward, config: Config, store: Store) -> Target:
    if isinstance(settings, SensorThings):
        return SensorThingsTarget(name, settings, config.devices, store)
    if isinstance(settings, Webhook):
        return WebhookTarget(settings, config, store)
    raise TypeError(f"no forwarder for {type(settings).__name__}")
