"""The paper's experiments as jobs of a service: `ltp reproduce --on-workers`.

`OnWorkers` (`workers`) is the executor: it words each cell as an ordinary request (`order`), follows the job, makes the
cell's outcome of what was published (`result`), and writes down what it asked for (`notes`), so that a run that was
interrupted finds its jobs again. `service` refuses a service whose figures would not be this program's.
"""

from app.reproduce.workers import OnWorkers

__all__ = ["OnWorkers"]
