"""What follows from the air's temperature and humidity. Pure."""

import math


def dew_point(celsius, humidity):
    """Hundredths of a °C and of a %RH -> dew point in hundredths of a °C; ValueError without any humidity.

    Magnus' formula over water with the coefficients of the WMO guide No. 8, good to 0.1 K from -45 to 60 °C. Floats of
    single precision are enough for that.
    """
    if humidity <= 0:
        raise ValueError("no dew point: 0 %RH, which open air never has: damaged sensor")
    celsius = celsius / 100
    gamma = math.log(humidity / 10000) + 17.62 * celsius / (243.12 + celsius)
    return round(24312 * gamma / (17.62 - gamma))


def readings(options, celsius, humidity):
    """The readings of a sensor for both, with the dew point where its options ask for it."""
    values = [("air_temperature", celsius), ("relative_humidity", humidity)]
    if options.get("dew_point"):
        values.append(("dew_point", dew_point(celsius, humidity)))
    return values
