"""Teacher outputs: which targets a loss wants, computed online in every step or read from a cache."""
