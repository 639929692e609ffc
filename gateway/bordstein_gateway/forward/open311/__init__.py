"""Requests for a town's own people, by Open311 GeoReport v2."""
