"""The data-protection sheets: every property has one, and says how long it is really kept."""

from bordstein_gateway.config.config import Config, Mqtt
from bordstein_gateway.config.store import Retention
from bordstein_gateway.knowledge.privacy import KINDS, kept, kinds_of, sheet
from bordstein_gateway.properties import TABLE


def _config(**retention: Retention) -> Config:
    return Config(mqtt=Mqtt(host="localhost"), retention=dict(retention))


def test_every_property_has_exactly_one_kind() -> None:
    named = [name for kind in KINDS.values() for name in kind.properties]
    assert sorted(named) == sorted(TABLE)


def test_kinds_of_a_station_come_once_and_in_order() -> None:
    found = [kind.name for kind in kinds_of(["pm10", "air_temperature", "pm2_5", "voltage", "unheard_of"])]
    assert found == ["climate", "air_quality", "device"]


def test_how_long_is_what_the_configuration_says() -> None:
    config = _config(
        default=Retention(raw_days=30, hourly_days=365), parking_bay_occupied=Retention(raw_days=1, hourly_days=7)
    )
    rows = {row.property: row.text for row in kept(KINDS["bays"], config)}
    assert rows["parking_bay_occupied"].de == "Messwerte 1 Tag, Stundenwerte 7 Tage, Tageswerte unbegrenzt"
    assert str(rows["magnetic_flux_density"]) == "readings 30 days, hourly values 365 days, daily values without limit"
    assert kept(KINDS["sound"], _config())[0].text.de == "unbegrenzt"


def test_the_sheet_for_machines() -> None:
    found = sheet(KINDS["people"], _config(pedestrian_count=Retention(raw_days=90)))
    assert found["personal_data"] is True
    assert found["properties"]["pedestrian_count"]["retention_days"] == {"readings": 90, "hours": None, "days": None}
