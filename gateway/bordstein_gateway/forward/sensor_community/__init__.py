"""Live values to sensor.community (formerly luftdaten.info)."""
