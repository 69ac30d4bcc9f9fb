"""python -m tests.e2e.patient_api: the API, for which a Postgres that is busy is not yet away."""

from app.__main__ import main
from app.limits import rate_counter

if __name__ == "__main__":
    rate_counter.PATIENCE = 10.0
    main(prog_name="python -m app")
