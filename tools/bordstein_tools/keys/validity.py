"""How long certificates are valid unless somebody says otherwise. Needs nothing that takes its time to load."""

import datetime as dt

AUTHORITY_DAYS = 365 * 20
SERVER_DAYS = 365 * 2
CLIENT_DAYS = 365 * 10
BACKDATED = dt.timedelta(days=730)
"""So long before its making; see pki.py."""
