"""From a blank board to one that reports, one board."""
