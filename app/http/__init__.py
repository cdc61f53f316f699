"""Between a socket and a route: connections, bodies, middleware, and how errors are written."""
