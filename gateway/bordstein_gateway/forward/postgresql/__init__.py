"""Readings into a table of a PostgreSQL database of the town."""
