"""Bordstein's field tools: keys, configuration and boards, from the technician's command line."""

__version__ = "0.1.0"
