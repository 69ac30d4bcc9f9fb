"""python -m tests.e2e.impatient_worker: the worker, which soon looks for work that is missing."""

from datetime import timedelta

from consumers.__main__ import main
from consumers.maintenance import reconcile

if __name__ == "__main__":
    reconcile.EVERY = 1
    reconcile.GRACE = timedelta(seconds=1)
    main(["worker"], prog_name="python -m consumers")
