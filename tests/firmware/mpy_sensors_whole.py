"""Every driver from its configuration to the pack in the spool, on its simulated chip. For MicroPython."""
# heapsize: 1M
# again: single, 31-bit

import mpy_sampler
from simulated import world

from bordstein import config, sensors
from bordstein.config_check import Check

BUSES = {
    "i2c0": {"type": "i2c", "id": 0, "scl": 22, "sda": 21},
    "uart1": {"type": "uart", "id": 1, "tx": 25, "rx": 26},
    "w1": {"type": "onewire", "pin": 4},
}
I2C, UART, PIN = ("i2c0", "i2c:0"), ("uart1", "uart:1"), (None, "pin:33")
AIR = {"temperature": 8.25, "humidity": 79.5, "pressure": 100439, "co2": 612}
DUST = {"pm1": 5.1, "pm2_5": 9.2, "pm4": 10.3, "pm10": 13.4}
NOISE = {"laeq": 61.5, "lamin": 44.0, "lamax": 80.25}
BAY = {"occupied": 0}
HUMID = "air_temperature relative_humidity dew_point"
SOIL = {"raw_dry": 2300, "raw_wet": 1000, "raw": True}

# driver: place, options beside the bus, chip, what it measures, what is reported
DRIVERS = {
    "a02yyuw": (UART, {"zero_mm": 3000, "rise_s": 60}, {}, {"distance": 2.0}, "water_level water_level_rate"),
    "anemometer": (PIN, {}, {"chip": "pulse"}, {"per_row": 2}, "wind_speed wind_gust"),
    "bh1750": (I2C, {}, {}, {"illuminance": 20}, "illuminance"),
    "bme280": (I2C, {"dew_point": True}, {"address": 118}, AIR, HUMID + " air_pressure"),
    "dnms": (I2C, {}, {}, NOISE, "sound_level_laeq sound_level_lamin sound_level_lamax"),
    "ds18b20": (("w1", "onewire:4"), {"property": "container_temperature"}, {}, AIR, "container_temperature"),
    "jsn_sr04t": (UART, {"depth_mm": 2500, "blind_mm": 400}, {}, {"distance": 2.0}, "fill_level"),
    "ld2410": (UART, {"distance": True}, {}, {"state": 1, "distance": 2.5}, "presence distance"),
    "mlx90614": (I2C, {"emissivity": 950}, {}, {"object": -3.1, "ambient": 1.5}, "road_surface_temperature"),
    "pms5003": (UART, {"passive": True}, {}, DUST, "pm1 pm2_5 pm10"),
    "pulse": (PIN, {"suppress_below": 5}, {}, {"per_row": 0.5}, "pedestrian_count"),
    "qmc5883p": (I2C, {"deviation": True}, {"address": 44}, BAY, "parking_bay_occupied magnetic_flux_density"),
    "rain": (PIN, {}, {"chip": "pulse", "step_s": 10}, {"per_row": 1}, "precipitation"),
    "rm3100": (I2C, {}, {"address": 32}, BAY, "parking_bay_occupied"),
    "scd41": (I2C, {"dew_point": True}, {}, AIR, "co2 " + HUMID),
    "sds011": (UART, {}, {}, DUST, "pm2_5 pm10"),
    "sht3x": (I2C, {"dew_point": True}, {}, AIR, HUMID),
    "sht4x": (I2C, {}, {}, AIR, "air_temperature relative_humidity"),
    "soil_moisture": (PIN, SOIL, {"chip": "analog"}, {"volts": 1.5}, "soil_moisture voltage"),
    "sps30": (I2C, {}, {}, DUST, "pm1 pm2_5 pm4 pm10"),
}  # fmt: skip


def test_all_drivers_are_tried():
    assert sorted(DRIVERS) == sensors.names()


def test_each_driver_measures_what_it_was_configured_for():  # once
    for name in sensors.names():
        (bus, place), options, chip, values, reported = DRIVERS[name]
        options = dict(options, driver=name, interval_s=60)
        if bus:
            options["bus"] = bus
        else:
            options["pin"] = 33
        made = {"mqtt": {"host": "x", "tls": False}, "buses": BUSES, "sensors": {"x": options}}
        assert Check().whole(made) == [], name
        assert set(reported.split(" ")) <= set(sensors.load(name).PROPERTIES), name
        spec = {"chip": name, "name": "x", "bus": place, "values": values}
        spec.update(chip)
        world.load({"chips": [spec]})
        packs, sampler = mpy_sampler.run(config.fill(made)["sensors"], 400)
        assert sampler.errors() == {"x": 0}, name
        got = set()
        for _, items in packs:
            got.update(items)
        assert got == {"x/" + word for word in reported.split(" ")}, (name, got)
        assert mpy_sampler.increasing(packs) and len(packs) >= 5, (name, packs)
        sampler.sensors["x"].driver.describe()
