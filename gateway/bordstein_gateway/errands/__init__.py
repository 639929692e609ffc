"""Errands: what the gateway has to do at other systems for a case, once each."""
