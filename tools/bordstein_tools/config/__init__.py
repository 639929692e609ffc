"""A board's configuration: its rules, what it is made of, and how it gets onto a board."""
