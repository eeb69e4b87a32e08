"""Evaluation on recorded songs: mixes of a data set's test songs against the mixes that engineers made of them."""
