"""Room `session`: a mix as a session."""
