"""Drafts of alerts, by CAP 1.2."""
