"""Bordstein's gateway: from a board's MQTT message to a reading that is stored, normalised and passed on."""

__version__ = "0.1.0"
