"""Bordstein: what runs on a board. app.py wires it all; README.md says which module does what."""

__version__ = "0.1.0"
