"""python -m tests.e2e.impatient_process: a process of comfyd's that gives up within a second."""

import sys

import app.__main__
import consumers.__main__
from infra.telemetry import connection_check, watchdog

if __name__ == "__main__":
    connection_check.PATIENCE = 0.5
    watchdog.LOOK_EVERY = 0.2
    (app if sys.argv[1:] == [] else consumers).__main__.main()
