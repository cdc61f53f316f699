"""`make rehearse`: docker-compose.yml brought to life without a container engine.

Every service of the file is started as a process with its own command, environment, order and health checks; PostgreSQL
and Redis are real servers out of their wheels. Container paths become folders of a temporary one, container addresses
ports of 127.0.0.1. What this cannot show is the image: its build, user, read-only root and networks.
"""
