"""What sensors and their sampler know over deep sleep. Loaded for boards that sleep only."""

from micropython import const

from bordstein import clock

_HOPELESS = const(4)  # failures in a row after which a sensor is not tried twice at one wake-up


def resume(sampler, slept):
    """Go on with what keep() gave before deep sleep."""
    sampler.lost, uptime, utc, kept = slept
    for name, sensor in sampler.sensors.items():
        sensor.last_uptime, sensor.last_utc = uptime, utc
        if name in kept:
            sensor.due, sensor.errors, sensor.failures, sensor.warm, sensor.interval_s = kept[name][:5]
            sensor.slept = kept[name]
    sampler.before = until_due


def keep(sampler):
    """What resume() takes after deep sleep: small, and fit for JSON."""
    sensors = sampler.sensors.values()
    uptime = max([sensor.last_uptime for sensor in sensors] + [-1])
    utc = max([sensor.last_utc for sensor in sensors] + [0])
    return [sampler.lost, uptime, utc, {sensor.name: _keep(sensor) for sensor in sensors}]


def _keep(sensor):
    reports, driver = sensor.slept[5:] if sensor.slept else (None, None)
    if sensor.derived:
        reports = sensor.derived.keep()
    if sensor.set_up and hasattr(sensor.driver, "keep"):
        driver = sensor.driver.keep()
    warm = sensor.warm and sensor.power is None
    return [sensor.due, sensor.errors, sensor.failures, warm, sensor.interval_s, reports, driver]


def slow_down(sampler):
    """From now on each sensor is read once a wake-up at most, as long as the board is awake as well."""
    for sensor in sampler.sensors.values():
        sensor.least_s = sampler.grid_s


def served(sampler):
    """Was everything that is due read and spooled since the board woke up, or tried in vain?"""
    spooled = not (sampler.round and sampler.round.open)
    return spooled and all(_served(sensor) for sensor in sampler.sensors.values())


def _served(sensor):
    before = sensor.slept[1] if sensor.slept else 0
    if sensor.due > clock.uptime():
        return sensor.set_up or not sensor.options.get("wake") or sensor.errors > before
    return sensor.errors - before >= (1 if sensor.failures > _HOPELESS else 2)


def moved(sampler):
    """Was there a change that is to be told at once?"""
    return any(sensor.derived and sensor.derived.moved for sensor in sampler.sensors.values())


async def until_due(sensor):
    """A sensor that is not due is not even set up, unless its pin wakes the board."""
    while not sensor.asked and not sensor.options.get("wake") and sensor.due > clock.uptime():
        await sensor.pause(sensor.due * 1000 - clock.uptime_ms())


async def lie_down(sampler):
    """Before deep sleep: power off. Returns (pin object, level) that is to end it, or None."""
    wake = None
    for sensor in sampler.sensors.values():
        if sensor.power is not None:
            sensor.power.value(0)
        if sensor.set_up and sensor.options.get("wake"):
            wake = await sensor.driver.lie_down()
    return wake
