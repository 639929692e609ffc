"""The staff's pages at /app/, and the public ones at /public/: rendered here, complete without scripts."""
