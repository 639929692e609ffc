"""Present state to an NGSI-LD broker: Stellio, Orion-LD, Scorpio."""
