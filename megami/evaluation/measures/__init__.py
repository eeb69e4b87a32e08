"""What is measured of a mix, or of a set of mixes: one file a measure, each usable by itself."""
