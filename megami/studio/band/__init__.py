"""The band: what is composed, who plays it, and on which instruments."""
