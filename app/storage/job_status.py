"""The statuses a job can have. Imports nothing, so that a command can say them without a database."""

UNFINISHED = ("queued", "running")
FINISHED = ("succeeded", "failed", "cancelled")
