"""Simulated hardware of a virtual board: chips, lines, faults, replayed series, flash. See ../../README.md."""
