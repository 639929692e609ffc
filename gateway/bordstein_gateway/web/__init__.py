"""The gateway's own HTTP service: pages, JSON, metrics, and who may see what."""
