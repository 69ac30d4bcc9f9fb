"""The routes below /api/jobs."""

from typing import Any

from aiohttp import web

from tests.standin.machine import Machine
from tests.standin.routes.jobs import Job, all_jobs, one_job
from tests.standin.routes.prompt_routes import is_canonical_uuid

_STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")


class JobRoutes:
    """Answers for one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/api/jobs", self.jobs),
            web.post("/api/jobs/cancel", self.cancel_many),
            web.get("/api/jobs/{job_id}", self.job),
            web.post("/api/jobs/{job_id}/cancel", self.cancel),
        ]

    async def jobs(self, request: web.Request) -> web.Response:
        """List jobs, filtered, sorted by age and cut into pages."""
        query = request.query
        wanted = [s for s in query.get("status", "").split(",") if s]
        bad = [s for s in wanted if s not in _STATUSES]
        if bad:
            return _refused(f"Invalid status value(s): {', '.join(bad)}", valid=list(_STATUSES))
        found = [
            job
            for job in all_jobs(self._machine.queue)
            if job["status"] in (wanted or _STATUSES)
            and query.get("workflow_id") in (None, job.get("workflow_id"))
        ]
        found.sort(key=_age, reverse=query.get("sort_order", "desc") == "desc")
        return web.json_response(_page(found, query.get("offset", "0"), query.get("limit")))

    async def job(self, request: web.Request) -> web.Response:
        """Return one job."""
        job = one_job(self._machine.queue, request.match_info["job_id"])
        if job is None:
            return web.json_response({"error": "Job not found"}, status=404)
        return web.json_response(job)

    async def cancel(self, request: web.Request) -> web.Response:
        """Stop one job, queued or running."""
        cancelled = self._machine.cancel(request.match_info["job_id"])
        return web.json_response({"cancelled": cancelled})

    async def cancel_many(self, request: web.Request) -> web.Response:
        """Stop several jobs; unknown ids do not matter."""
        job_ids = (await request.json()).get("job_ids")
        if not isinstance(job_ids, list):
            return _refused("job_ids must be a list")
        bad = [job_id for job_id in job_ids if not is_canonical_uuid(job_id)]
        if bad:
            return _refused("job_ids contains invalid id(s)", invalid_ids=bad)
        cancelled = [self._machine.cancel(job_id) for job_id in job_ids]
        return web.json_response({"cancelled": any(cancelled)})


def _age(job: Job) -> int:
    created: int = job["create_time"]
    return created


def _page(jobs: list[Job], offset: str, limit: str | None) -> dict[str, Any]:
    start = int(offset)
    end = len(jobs) if limit is None else start + int(limit)
    pagination = {
        "offset": start,
        "limit": None if limit is None else int(limit),
        "total": len(jobs),
        "has_more": end < len(jobs),
    }
    return {"jobs": jobs[start:end], "pagination": pagination}


def _refused(error: str, **details: list[str]) -> web.Response:
    return web.json_response({"error": error, **details}, status=400)
