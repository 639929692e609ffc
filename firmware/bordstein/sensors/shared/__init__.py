"""What several drivers share: loaded with the first of them. No drivers here; their names are never a driver's."""
