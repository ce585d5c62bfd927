"""What went through the proxy: totals, violations and the request log."""

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Entry:
    """One request, as written to the log."""

    id: int
    start: float
    method: str
    path: str
    end: float = 0
    service: str = "data"
    operation: str = "-"
    account: str = "-"
    region: str = "-"
    status: int = 0  # 0: the connection was dropped
    mutating: bool = False
    injected: list[str] = field(default_factory=list)
    delay_ms: float = 0
    bytes_in: int = 0
    bytes_out: int = 0
    violations: list[dict] = field(default_factory=list)
    warnings: list[dict] = field(default_factory=list)


class Recorder:
    """Counts requests and writes one JSON line for each."""

    def __init__(self, log: Path | None = None):
        self._log = open(log, "a", buffering=1) if log else None
        self._in_flight = 0
        self._last_id = 0
        self.hanging = 0  # requests that a scenario holds right now
        self.reset()

    def reset(self) -> None:
        """Forget the totals; the log and the requests in flight go on."""
        self.requests = 0
        self.max_in_flight = self._in_flight
        self.first = self.last = None
        self.busy_s = 0.0
        self.by_service, self.by_operation = Counter(), Counter()
        self.by_region, self.by_status = Counter(), Counter()
        self.injected = Counter()
        self.mutating = 0
        self._found: dict[tuple, dict] = {}

    def begin(self, method: str, path: str) -> Entry:
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        self._last_id += 1
        entry = Entry(self._last_id, time.time(), method, path)
        if self.first is None:
            self.first = entry.start
        return entry

    def end(self, entry: Entry) -> None:
        entry.end = self.last = time.time()
        self._in_flight -= 1
        self.requests += 1
        self.busy_s += entry.end - entry.start
        self.by_service[entry.service] += 1
        self.by_operation[f"{entry.service}.{entry.operation}"] += 1
        self.by_region[entry.region] += 1
        self.by_status[str(entry.status)] += 1
        self.mutating += entry.mutating
        for what in entry.injected:
            self.injected[what] += 1
        for severity in ("violations", "warnings"):
            for problem in getattr(entry, severity):
                self._add_problem(entry, severity, problem)
        if self._log:
            self._log.write(json.dumps(vars(entry)) + "\n")

    def _add_problem(self, entry: Entry, severity: str, problem: dict) -> None:
        path = re.sub(r"\[[^\]]*\]", "[]", problem["path"])
        key = (
            severity,
            entry.account,
            entry.service,
            entry.operation,
            problem["kind"],
            path,
        )
        found = self._found.setdefault(
            key,
            {
                "severity": severity.removesuffix("s"),
                "account": entry.account,
                "service": entry.service,
                "operation": entry.operation,
                "kind": problem["kind"],
                "path": path,
                "example": problem["detail"],
                "request_id": entry.id,
                "count": 0,
            },
        )
        found["count"] += 1

    def problems(self, account: str | None = None) -> list[dict]:
        """Violations and warnings, each kind once per account with its count."""
        found = self._found.values()
        if account is not None:
            found = [problem for problem in found if problem["account"] == account]
        return sorted(found, key=lambda p: (p["severity"], -p["count"]))

    def _problem_count(self, severity: str) -> int:
        return sum(p["count"] for p in self.problems() if p["severity"] == severity)

    def stats(self) -> dict:
        wall = self.last - self.first if self.last and self.first else 0.0
        return {
            "requests": self.requests,
            "mutating": self.mutating,
            "by_service": dict(self.by_service.most_common()),
            "by_operation": dict(self.by_operation.most_common()),
            "by_region": dict(self.by_region.most_common()),
            "statuses": dict(self.by_status.most_common()),
            "injected": dict(self.injected.most_common()),
            "in_flight": self._in_flight,
            "hanging": self.hanging,
            "max_in_flight": self.max_in_flight,
            "mean_in_flight": round(self.busy_s / wall, 2) if wall else 0.0,
            "first": self.first,
            "last": self.last,
            "wall_s": round(wall, 3),
            "violations": self._problem_count("violation"),
            "warnings": self._problem_count("warning"),
        }

    def close(self) -> None:
        if self._log:
            self._log.close()
