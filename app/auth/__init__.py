"""Who calls, with which key, and how often.

`caller` tells who sends a request, `scopes` what it may do, `rate_limits` how often. `key_secret` makes and hashes
keys, `key_store` keeps their hashes in the database, `key_cache` remembers those in use.
"""
