"""What a message says: packs and their readings, in the property table's units."""
