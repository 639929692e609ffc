"""Observations to an OGC SensorThings API server: FROST and others."""
