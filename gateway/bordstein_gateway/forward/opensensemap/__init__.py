"""Measurements to openSenseMap, the citizens' map of sensor data."""
