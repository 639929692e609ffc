"""What sensor.community calls kinds of sensor and what they measure. Pure.

Source: the sensors' firmware there (airrohr), which sends each kind under a pin of its own and the values without the
chip's prefix. Noise follows that firmware: noise_LAeq, not noise_Leq.
"""

from typing import Literal

Chip = Literal[
    "SDS011",
    "PMS",
    "SPS30",
    "HPM",
    "NPM",
    "IPS7100",
    "PPD42NS",
    "BMP180",
    "BMP280",
    "BME280",
    "DHT22",
    "HTU21D",
    "SHT3X",
    "DS18B20",
    "SCD30",
    "DNMS",
]
"""The kinds of sensor that have a pin there."""

PINS: dict[Chip, int] = {
    "SDS011": 1,
    "PMS": 1,
    "SPS30": 1,
    "HPM": 1,
    "NPM": 1,
    "IPS7100": 1,
    "BMP180": 3,
    "BMP280": 3,
    "PPD42NS": 5,
    "DHT22": 7,
    "HTU21D": 7,
    "SHT3X": 7,
    "BME280": 11,
    "DS18B20": 13,
    "DNMS": 15,
    "SCD30": 17,
}

VALUE_TYPES = {
    "pm1": "P0",
    "pm10": "P1",
    "pm2_5": "P2",
    "pm4": "P4",
    "air_temperature": "temperature",
    "relative_humidity": "humidity",
    "air_pressure": "pressure",
    "co2": "co2_ppm",
    "sound_level_laeq": "noise_LAeq",
    "sound_level_lamin": "noise_LA_min",
    "sound_level_lamax": "noise_LA_max",
}
"""Property -> value_type. The units are the property table's: µg/m³, °C, %, Pa, ppm, dB."""
