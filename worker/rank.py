"""`python -m worker.rank FOLDER NUMBER PARENT`: a process that trains a drift with a job's (`worker.further_rank`).

It ends with the process that started it: from its very start, since what it has to import takes seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from worker.parent_watch import exit_with_parent

if __name__ == "__main__":
    folder, number, parent = sys.argv[1:]
    exit_with_parent(int(parent))
    from worker.further_rank import main

    sys.exit(main(Path(folder), int(number)))
