"""Builds an outbox for each [forward.…], whatever its kind."""

from importlib import import_module

from ..config.config import Config
from ..config.types import Forward, folder_of
from ..store import Store
from ..texts import both, said
from .outbox import Outbox
from .target import Target
from .unbuilt import Unbuilt


def start(config: Config, store: Store) -> list[Outbox]:
    """One outbox for each [forward.…]; whoever calls runs them."""
    return [Outbox(name, settings, store, target(name, config, store)) for name, settings in config.forward.items()]


def target(name: str, config: Config, store: Store) -> Target:
    """The target of one [forward.…]; where it can't be set up, one that says why."""
    try:
        return build(name, config.forward[name], config, store)
    except Exception as error:  # noqa: BLE001  (whatever it is, the others go on)
        why = said(error, "de") or type(error).__name__, said(error, "en") or type(error).__name__
        return Unbuilt(
            both(
                f"Dieses Ziel lässt sich nicht einrichten: {why[0]}; danach das Gateway neu starten.",
                f"This target can't be set up: {why[1]}; then start the gateway again.",
            )
        )


def build(name: str, settings: Forward, config: Config, store: Store) -> Target:
    """By the kind's own build(name, settings, config, store) in <kind>/target.py, imported only when it is used."""
    made: Target = import_module(f".{folder_of(type(settings))}.target", __package__).build(
        name, settings, config, store
    )
    return made
