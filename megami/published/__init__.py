"""Room of the published files: addresses, download, names of parameters, and reading them without trust."""
