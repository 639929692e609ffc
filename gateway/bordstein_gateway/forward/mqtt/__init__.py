"""Readings to the topics of another broker."""
