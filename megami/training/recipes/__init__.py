"""One recipe per network: what a batch is and what is minimised."""
