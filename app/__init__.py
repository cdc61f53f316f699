"""The service: REST API, registry, job lifecycle and command line. Knows `ltp`; never imports `worker`."""
