"""The way in for devices that are no Bordstein boards: other systems' messages, by a mapping to the property table.

Of each kind: settings.py (its options), source.py (a message to what the store takes; source.py here has the contract),
sample.toml (shown by `init`) and README.md.
"""
