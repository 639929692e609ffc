"""Events as instances of processes in Camunda 7 or Operaton; ../engine.py has what all engines share."""

from ...config.config import Config
from ...store import Store
from .. import http
from ..engine import EngineTarget
from .client import Client
from .settings import Camunda7


def build(name: str, settings: Camunda7, config: Config, store: Store) -> EngineTarget:
    """The target of one [forward.…]."""
    return EngineTarget(name, settings, Client(http.client(settings), settings.url, settings.tenant), config, store)
