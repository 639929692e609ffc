"""Virtual boards: simulated chips on simulated buses under the real firmware. See README.md."""
