"""One file a revision, named by date."""
