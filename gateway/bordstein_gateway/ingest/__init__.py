"""The way in: the broker's messages into the store, acknowledged once they are on disk."""
