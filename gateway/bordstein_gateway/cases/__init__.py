"""Cases (Vorgänge): something that has to be done, by whom, what was done, and the record of it."""
