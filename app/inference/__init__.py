"""Predictions inside the API process: a bounded queue, one engine thread, adapters straight from the registry.

`served_backbone` loads what is served, `build_engine` makes the engine, `batch_queue` holds the pairs that wait,
`adapter_source` fetches adapters, `predictor` joins them. Importing this package imports no torch; the engine's thread
does.
"""
