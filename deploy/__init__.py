"""What surrounds the service where it is deployed: the rehearsal of docker-compose.yml, and a dashboard."""
