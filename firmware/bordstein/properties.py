"""What a board can measure: unit and digits after the point, by name.

Generated from gateway/bordstein_gateway/properties.toml by tools/dev/properties.py; edit the table, not this file.
One string and no dict: it stays in flash until it is searched.
"""

TABLE = """
air_temperature Cel 2
relative_humidity %RH 2
air_pressure Pa 0
dew_point Cel 2
pm1 ug/m3 1
pm2_5 ug/m3 1
pm4 ug/m3 1
pm10 ug/m3 1
co2 ppm 0
wind_speed m/s 1
wind_gust m/s 1
precipitation mm 2
illuminance lx 0
sound_level_laeq dB 1
sound_level_lamin dB 1
sound_level_lamax dB 1
road_surface_temperature Cel 2
soil_temperature Cel 2
soil_moisture / 3
water_temperature Cel 2
water_level m 3
water_level_rate mm/h 0
distance m 3
fill_level / 3
container_temperature Cel 2
tilted / 0
parking_bay_occupied / 0
presence / 0
magnetic_flux_density T 9
pedestrian_count count 0
count_withheld / 0
voltage V 3
uptime s 0
heap_free B 0
heap_low B 0
rssi dBm 0
snr dB 1
battery_level %EL 0
spool_packs count 0
spool_dropped count 0
readings_lost count 0
spool_corrupt count 0
taken count 0
errors count 0
"""


def row(name):
    """(unit, decimals) of a property; KeyError when the table has none of that name."""
    start = TABLE.find("\n" + name + " ")
    if start < 0 or not name or " " in name:
        raise KeyError(name)
    start += len(name) + 2
    unit, decimals = TABLE[start : TABLE.find("\n", start)].split(" ")
    return unit, int(decimals)
