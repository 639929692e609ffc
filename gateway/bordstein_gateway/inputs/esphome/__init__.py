"""ESPHome."""
