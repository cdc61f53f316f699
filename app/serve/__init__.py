"""Running the service: the HTTP server, and `ltp serve` with its supervised runner."""
