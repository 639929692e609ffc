"""Accounts of the staff's pages: passwords, sessions, limits on guessing, OpenID Connect."""
