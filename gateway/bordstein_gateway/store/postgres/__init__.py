"""The store in a PostgreSQL database. Imported only where one is used: its driver is an extra."""
