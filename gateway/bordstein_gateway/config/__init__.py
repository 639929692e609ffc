"""gateway.toml: what may stand in it, and every mistake in a sentence with its line."""
