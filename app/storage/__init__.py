"""The database and what is in it: tables, tenancy, blobs, quotas, backups. Knows nothing of HTTP."""
