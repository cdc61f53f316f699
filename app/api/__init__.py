"""The HTTP API: `routes` (one file a resource), `schemas` (what goes over the wire), and what routes are made with."""
