"""The console: the pages in the browser, and how they are handed out. Their sources are in `console/`."""
