"""The runner that claims jobs, and the process that executes one. Knows `app` and `ltp`; nothing imports it.

How a job runs: `runner` claims it and starts `job_process`, a process of `job`, which makes the attempt's `context`,
hands it to the executor of its kind in `execute`, and records how it ended. Meanwhile the runner renews the lease, and
kills the process when the job is cancelled, silent or lost. `job_fork` has it forked from `job_parent`, a process that
has imported what jobs need.

In the runner's process: `listener` (with `celery`) wakes it by messages, `sweeper` (with `retention`) cleans up. In the
job's: `progress` and `checkpoints` report and resume, `parent_watch` ends it with the runner. Both `retry`.
"""
