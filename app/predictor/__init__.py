"""Predictions inside the API process: a bounded queue, one engine thread, adapters straight from the registry.

`backbone` finds and loads what is served, `queue` holds the pairs that wait, `source` fetches adapters, `predictor`
joins them. Importing this package imports no torch; the engine's thread does.
"""
