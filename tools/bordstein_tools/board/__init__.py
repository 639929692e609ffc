"""A board on the cable: its port, its loader, its prompt, and what is put onto it."""
