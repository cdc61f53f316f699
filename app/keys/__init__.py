"""Keys: `secret` makes and hashes them, `store` keeps their hashes, `ring` remembers those that are in use."""
