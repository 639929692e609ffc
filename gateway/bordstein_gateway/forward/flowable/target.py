"""Events as instances of processes in Flowable; ../engine.py has what all engines share."""

from ...config.config import Config
from ...store import Store
from .. import http
from ..engine import EngineTarget
from .client import Client
from .settings import Flowable


def build(name: str, settings: Flowable, config: Config, store: Store) -> EngineTarget:
    """The target of one [forward.…]."""
    return EngineTarget(name, settings, Client(http.client(settings), settings.url, settings.tenant), config, store)
