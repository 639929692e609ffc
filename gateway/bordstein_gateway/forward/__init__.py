"""The way out: one outbox a target, each with its own place in the store's log.

outbox.py, lanes.py and delivery.py keep place, order and retry for all kinds. A kind is a folder: settings.py (its
options), target.py (sends a batch, says what was refused; target.py here has the contract), sample.toml (shown by
`init`) and README.md.
"""
