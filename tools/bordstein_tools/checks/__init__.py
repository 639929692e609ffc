"""A board at work, watched and judged."""
