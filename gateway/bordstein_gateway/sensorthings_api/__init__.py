"""The OGC SensorThings API 1.1, for reading: README.md beside this file says what it has. Source: OGC 18-088."""

from .app import routes

__all__ = ["routes"]
