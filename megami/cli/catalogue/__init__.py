"""Mixing many songs with networks that are loaded once: what `megami mix` does with several folders, or with a list."""
