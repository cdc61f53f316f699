"""The client itself; of `aio` and `sync` the second is written from the first by `make client`."""
