"""What is said of a board and a series to a SensorThings server. Pure; names and units are the property table's.

Source: OGC 18-088 section 8.2; units are UCUM's.
"""

from collections.abc import Mapping
from typing import Any

from ... import properties
from ...boards.stations import Station
from ...store.types import StoredReading
from ..times import urn
from .settings import SensorThings

_OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
_TYPES = {"number": "OM_Measurement", "count": "OM_CountObservation", "boolean": "OM_TruthObservation"}


class Bodies:
    """Bodies to create entities with, without the links between them. Every one has a name. `stations`: by device, may
    be replaced at any time."""

    def __init__(self, settings: SensorThings, stations: Mapping[str, Station]) -> None:
        self._settings = settings
        self.stations = stations

    def thing(self, device: str) -> dict[str, Any]:
        """With its Location where one is known, and with the target's own members."""
        known = self.stations.get(device) or Station(device)
        name = self._name(device)
        more = {"assetNumber": known.asset, "site": known.site}
        body: dict[str, Any] = {
            "name": name,
            "description": known.description or name,
            "properties": {"deviceId": urn(device), **{key: value for key, value in more.items() if value}},
        }
        if known.latitude is not None and known.longitude is not None:
            body["Locations"] = [
                {
                    "name": name,
                    "description": name,
                    "encodingType": "application/geo+json",
                    "location": {"type": "Point", "coordinates": [known.longitude, known.latitude]},
                }
            ]
        for member, value in self._settings.members.items():
            both = isinstance(value, dict) and isinstance(body.get(member), dict)
            body[member] = {**value, **body[member]} if both else value
        return body

    def observed_property(self, reading: StoredReading) -> dict[str, Any]:
        """The same for the same property, whichever board measures it."""
        row = properties.row_of(reading.series)
        labels = {"de": row.de, "en": row.en} if row else {}
        return {
            "name": self._label(reading),
            "description": row.en if row else reading.property,
            "definition": row.definition if row else f"urn:bordstein:property:{reading.property}",
            "properties": {"property": reading.property, **labels},
        }

    def sensor(self, reading: StoredReading) -> dict[str, Any]:
        """The kind of sensor that the boards' configuration calls by this name."""
        sensor = reading.series.rpartition("/")[0] or "sensor"
        return {
            "name": sensor_name(sensor),
            "description": f'Sensor "{sensor}" of a Bordstein board',
            "encodingType": "text/html",
            "metadata": "MicroPython, SenML (RFC 8428)",
        }

    def datastream(self, reading: StoredReading) -> dict[str, Any]:
        """One series in one unit of one board."""
        row = properties.row_of(reading.series)
        ours = row is not None and row.unit == reading.unit  # else it came in a unit that could not be converted
        kind = _TYPES[row.kind] if row is not None and ours else "OM_Observation"
        symbol = row.symbol if row is not None and ours else reading.unit
        unit = row.ucum if row is not None and ours else reading.unit
        name = f"{self._label(reading)} ({reading.series}, {self._name(reading.device)})"
        return {
            "name": name if ours or not (row or reading.unit) else f"{name} [{reading.unit or '1'}]",
            "description": f"{row.en if row else reading.property}, series {reading.series}",
            "observationType": _OM + kind,
            "unitOfMeasurement": {
                "name": reading.unit or "one",
                "symbol": symbol or "1",
                "definition": f"http://unitsofmeasure.org/ucum.html#{unit or '1'}",
            },
            "properties": {"series": reading.series, "property": reading.property},
        }

    def _name(self, device: str) -> str:
        known = self.stations.get(device)
        return (known.name if known else None) or device

    def _label(self, reading: StoredReading) -> str:
        row = properties.row_of(reading.series)
        if row is None:
            return reading.property
        return row.de if self._settings.language == "de" else row.en


def sensor_name(sensor: str) -> str:
    """Of a Sensor entity, for what the boards' configuration calls a sensor."""
    return f"Bordstein {sensor}"
