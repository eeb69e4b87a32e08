"""The simulated engineers: how each listens, decides and mixes."""
