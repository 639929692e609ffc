"""CloudEvents to any program that takes a POST."""
