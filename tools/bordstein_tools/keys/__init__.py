"""The town's authority, certificates, and the key that signs software."""
