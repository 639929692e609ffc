"""Each sensor of a board that was watched, judged: does it answer, and is what it says plausible?"""

from collections.abc import Iterator

from ..config.german import german, readable
from ..texts import pick
from . import hints as check_hints
from .observing import Reading, Seen, Sensor
from .result import BAD, OK, WARN, Result


def configuration(seen: Seen) -> Iterator[Result]:
    for problem in seen.status["problems"] if seen.status else ():
        text = readable(pick(german(problem), problem))
        yield Result(
            "configuration",
            pick("Konfiguration", "configuration"),
            BAD,
            text,
            pick(
                "„bordstein configure apply“ schreibt eine berichtigte.",
                '"bordstein configure apply" writes a corrected one.',
            ),
        )


def sensors(seen: Seen) -> Iterator[Result]:
    if not seen.sensors:
        yield Result(
            "sensor",
            pick("Sensoren", "sensors"),
            WARN,
            pick("keine konfiguriert", "none configured"),
            pick("In config.json unter „sensors“ eintragen.", 'Name them in config.json, "sensors".'),
        )
    for name, sensor in sorted(seen.sensors.items()):
        yield _sensor(sensor, pick(f"Sensor {name}", f"sensor {name}"), seen.errors.get(name, ""))


def _sensor(sensor: Sensor, name: str, error: str) -> Result:
    key = f"sensor:{sensor.name}"
    if sensor.failures or (sensor.errors and not sensor.attempts):
        return Result(key, name, BAD, error, check_hints.sensor(error))
    if not sensor.attempts:
        hint = pick("Mit größerem --wait wiederholen.", "Repeat with a longer --wait.")
        value = pick("noch nicht gelesen", "not read yet")
        if sensor.warm_up_s and not sensor.warm:
            value = pick(f"wärmt noch auf ({sensor.warm_up_s} s)", f"still warming up ({sensor.warm_up_s} s)")
        return Result(key, name, WARN, value, hint)
    value = ", ".join(shown(reading) for reading in sensor.readings)
    odd = [reading for reading in sensor.readings if not reading.plausible]
    if odd:
        ranges = ", ".join(f"{_label(reading)} {_range(reading)}" for reading in odd)
        return Result(
            key,
            name,
            BAD,
            value,
            pick(
                f"Unglaubwürdig; möglich ist: {ranges}. Sitz und Verkabelung des Sensors prüfen, und ob „property“ in "
                "der Konfiguration stimmt.",
                f"Not plausible; possible is: {ranges}. Check how the sensor sits, its wires, and whether "
                '"property" in the configuration is right.',
            ),
        )
    if sensor.errors:
        return Result(
            key,
            name,
            WARN,
            value,
            pick(
                f"Liest wieder, {sensor.errors} Versuche schlugen fehl ({error}): Stecker und Leitungslänge prüfen.",
                f"Reads again, {sensor.errors} tries failed ({error}): check plugs and the length of its cable.",
            ),
        )
    return Result(key, name, OK, value or pick("antwortet, noch kein Ereignis", "answers, no event yet"))


def shown(reading: Reading) -> str:
    """«Lufttemperatur 8,15 °C»."""
    return " ".join(part for part in (_label(reading), *value_and_unit(reading)) if part)


def value_and_unit(reading: Reading) -> tuple[str, str]:
    """As people read them."""
    row = reading.row
    if isinstance(reading.value, bool):
        return (pick("ja", "yes") if reading.value else pick("nein", "no")), ""
    if row is None:
        return str(reading.value), ""
    return row.shown(reading.value), row.symbol


def _label(reading: Reading) -> str:
    return reading.row.label if reading.row else reading.series


def _range(reading: Reading) -> str:
    row = reading.row
    return (
        pick(f"{row.shown(row.least)} bis {row.shown(row.most)}", f"{row.shown(row.least)} to {row.shown(row.most)}")
        if row
        else ""
    )
