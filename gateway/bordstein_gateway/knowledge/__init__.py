"""What a town has to know when people come and go: handover, who leaves, data protection."""
