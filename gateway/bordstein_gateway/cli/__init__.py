"""The command `bordstein-gateway`: a module for each group of verbs, joined in main.py."""
