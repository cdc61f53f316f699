"""One file a kind of job: load what it needs, let `ltp` do the work, stage the result, publish it fenced."""
