"""Open data, to be fetched from /open/: GeoJSON, ParkAPI, DATEX II, CSV, Parquet, Prometheus and their catalogue.

README.md has the addresses. view.py says what one request may see; each format is a pure function of that.
"""
