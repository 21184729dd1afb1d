"""A worker of @emlinh/progress in Python: reports on a job over HTTP. Standard library only, Python 3.8 or later.

    with open_job("http://127.0.0.1:3000/api/progress", job_id) as job:
        with job.step("hash") as step:
            for position, chunk in read_chunks():
                step.update(done=position, total=size, unit="bytes")
                job.check()  # raises Cancelled
        job.complete({"sha256": digest})

Reports neither wait nor fail: a thread of the job merges them and sends at most one request at a time, in order. While
the server is away it keeps what it has and tries again. The same thread renews the lease, and learns of a cancel from
the answers. All methods may be called from any thread. See docs/PROTOCOL.md, section 14.
"""

import email.utils
import http.client
import json
import random
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request

__all__ = ["Cancelled", "Job", "Refused", "Step", "Stopped", "Unreachable", "open_job"]

MAX_LINES = 1_000
"""Log lines that may wait while the server is away. The oldest are dropped, and readers see a gap."""
MAX_LINE_BYTES_SENT = 128 * 1024
"""Bytes of log lines in one request."""


MAX_WAIT = 86_400.0
"""The longest wait that a server can ask for, in seconds."""


class Stopped(Exception):
    """The work must stop. `code` is the reason, such as "hold-lost" or "job-finished"."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Cancelled(Stopped):
    """Somebody asked to cancel the job."""


class Refused(Stopped):
    """The server refused a request."""


class Unreachable(Exception):
    """The server gave no answer for `deliver_for` seconds."""


def open_job(base_url, job_id, **options):
    """Opens a job for this worker and returns a `Job`. Options:

    headers     a dict, or a function that returns one and is called for each request, such as credentials
    attempt     "next" begins a retry
    take_over   True takes the job from a worker that is known to be gone
    lease       seconds, 5 to 600; by default the server's
    interval    seconds between two requests, unless a report is urgent
    deliver_for seconds for which opening and ending are tried

    Raises `Refused` (its code is "job-held" if another worker is at work) or `Unreachable`.
    """
    return Job(base_url, job_id, **options)


class Job:
    """A job that this worker holds. As a context manager it ends the job if the block raises: as cancelled or failed."""

    def __init__(self, base_url, job_id, *, headers=None, attempt=None, take_over=False, lease=None, interval=0.1,
                 deliver_for=60.0):
        self.id = job_id
        self.cancelled = threading.Event()
        """Is set when the work must stop, for whatever reason."""
        self._server = _Server(f"{base_url.rstrip('/')}/{job_id}", headers)
        self._token = secrets.token_hex(16)
        self._count = 0
        self._lease_ms = None if lease is None else round(lease * 1000)
        self._interval = interval
        self._deliver_for = deliver_for
        self._changed = threading.Condition()
        self._pending = _Pending()
        self._stopped = None
        self._over = threading.Event()
        self._open(attempt, take_over)
        self._thread = threading.Thread(target=self._run, name=f"progress {job_id}", daemon=True)
        self._thread.start()

    # Reports

    def update(self, *, message=None, percent=None, metadata=None):
        """Reports on the job as a whole. `percent` is for a job without a plan; None in `metadata` removes a key."""
        values = {"message": message, "percent": percent}
        with self._reporting():
            self._pending.fields.update({name: value for name, value in values.items() if value is not None})
            self._pending.metadata.update(metadata or {})

    def log(self, text, *, level="info", data=None):
        """Appends a line to the job's log, at once."""
        line = {"text": str(text), "level": level, "at": self._server.now_ms()}
        if data is not None:
            line["data"] = data
        with self._reporting(urgent=True):
            self._pending.add_line(line)

    def step(self, step_id):
        """Begins a step. As a context manager it ends as completed, or as failed if the block raises."""
        return Step(self, step_id)

    def skip(self, step_id):
        """Marks a step as skipped: there is nothing to do."""
        self._report_step(step_id, {"status": "skipped"}, urgent=True)

    def check(self):
        """Raises `Cancelled` or `Stopped` if the work must stop."""
        if self._stopped is not None:
            raise self._stopped

    # Ends. Each returns when the server has it, or raises `Stopped` or `Unreachable`.

    def complete(self, result=None):
        self._finish({"end": {"status": "completed", "result": result}})

    def fail(self, code="job-failed", message="The job failed.", step=None):
        """Everybody who watches the job sees the message."""
        error = {"code": code, "message": message}
        self._finish({"end": {"status": "failed", "error": error if step is None else {**error, "step": step}}})

    def end_cancelled(self, message=None):
        self._finish({"end": {"status": "cancelled", **({} if message is None else {"message": message})}})

    def requeue(self, message=None):
        """Gives the job back: another worker opens it with attempt="next"."""
        self._finish({"requeue": True if message is None else {"message": message}})

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if self._over.is_set():
            return False
        if isinstance(error, Cancelled):
            self.end_cancelled()
        elif error is not None and not isinstance(error, (Stopped, Unreachable)):
            self.fail()
        else:
            self.close()
        return False

    def close(self):
        """Stops reporting without an end. The lease runs out, and the job is lost unless another worker opens it."""
        with self._changed:
            self._over.set()
            self._changed.notify_all()
        self._thread.join()

    # Internals

    def _reporting(self, urgent=False):
        return _Reporting(self, urgent)

    def _report_step(self, step_id, members, urgent=False):
        with self._reporting(urgent):
            self._pending.steps.setdefault(step_id, {}).update(members)

    def _open(self, attempt, take_over):
        deadline = time.monotonic() + self._deliver_for
        seen = self._seen(deadline)
        opening = {"attempt": attempt, "takeOver": take_over or None, "seen": seen}
        self._send({"open": {name: value for name, value in opening.items() if value is not None}}, deadline)

    def _seen(self, deadline):
        """The cursor of the job. With it a request that arrives late takes the job from nobody."""
        try:
            return self._deliver(lambda: self._server.get("status"), deadline)["cursor"]
        except Refused as refused:
            # This worker may report, but not watch.
            if refused.code in ("forbidden", "not-authenticated"):
                return None
            raise

    def _finish(self, members):
        with self._changed:
            if self._stopped is not None and not isinstance(self._stopped, Cancelled):
                raise self._stopped
            self._pending.last = members
            self._pending.is_urgent = True
            self._changed.notify_all()
        self._thread.join(self._deliver_for)
        if self._thread.is_alive():
            self.close()
            raise Unreachable(f"The end of the job {self.id} could not be delivered.")
        if self._pending.last is not None:
            raise self._stopped or Stopped("closed", "The job was closed.")

    def _run(self):
        """Sends what is pending, and renews the lease, until the job is over."""
        sent_at = time.monotonic()
        while not self._over.is_set():
            report = self._next_report(sent_at)
            if report is None:
                return
            try:
                self._send(report, None)
            except Refused as refused:
                if refused.code in ("invalid-change", "too-large") and not _is_last(report):
                    # The work goes on. Only the values of this report are lost.
                    print(f"progress: a report was refused: {refused}", file=sys.stderr)
                else:
                    self._stop(refused)
                    return
            if _is_last(report):
                self._pending.last = None
                self._over.set()
            sent_at = time.monotonic()

    def _next_report(self, sent_at):
        """Waits for something to send, or until the lease is to be renewed."""
        with self._changed:
            while not self._over.is_set():
                now = time.monotonic()
                due = sent_at + self._renew_after
                if self._pending.is_urgent:
                    due = now
                elif not self._pending.is_empty():
                    due = sent_at + self._interval
                if due <= now:
                    return self._pending.take()
                self._changed.wait(due - now)
        return None

    def _send(self, members, deadline):
        self._count += 1
        body = {"hold": {"token": self._token, "count": self._count}, **members}
        if self._lease_ms is not None:
            body["leaseMs"] = self._lease_ms
        answer = self._deliver(lambda: self._server.post("updates", body), deadline)
        # Three times per lease, so that one lost request does no harm.
        self._renew_after = max(answer["leaseMs"], 300) / 3000
        if answer["cancelRequested"]:
            self._stop(Cancelled("job-cancelled", f"Somebody asked to cancel the job {self.id}."))

    def _deliver(self, request, deadline):
        """Repeats a request until it is answered. The server knows a repeated report by its count."""
        failures = 0
        has_refreshed = False
        while True:
            try:
                return request()
            except Refused as refused:
                # Headers that a function returns may be fresh the next time.
                if refused.code != "not-authenticated" or has_refreshed:
                    raise
                has_refreshed = True
            except _Failure as failure:
                failures += 1
                wait = max(failure.retry_after, min(5.0, 0.1 * 2 ** min(failures, 10)) * random.uniform(0.5, 1))
                if deadline is not None and time.monotonic() + wait > deadline:
                    raise Unreachable(f"{self._server.url} gave no answer: {failure}") from failure
                if self._over.wait(wait):
                    raise Refused("closed", "The job was closed.") from failure

    def _stop(self, reason):
        self._stopped = self._stopped if isinstance(self._stopped, Refused) else reason
        self.cancelled.set()


class Step:
    """One step of a job."""

    def __init__(self, job, step_id):
        self._job = job
        self.id = step_id
        job._report_step(step_id, {"status": "running"}, urgent=True)

    def update(self, *, done=None, total=None, unit=None, percent=None, message=None):
        """`done` of `total` give the percent, unless it is given."""
        values = {"done": done, "total": total, "unit": unit, "percent": percent, "message": message}
        self._job._report_step(self.id, {name: value for name, value in values.items() if value is not None})

    def complete(self):
        self._job._report_step(self.id, {"status": "completed"}, urgent=True)

    def fail(self, message=None):
        shown = {} if message is None else {"message": message}
        self._job._report_step(self.id, {"status": "failed", **shown}, urgent=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            self.complete()
        elif not isinstance(error, Stopped):
            self.fail()
        return False


class _Pending:
    """Reports that were not sent yet, merged."""

    def __init__(self):
        self.fields, self.metadata, self.steps = {}, {}, {}
        self.lines, self.lost_lines = [], 0
        self.last = None
        self.is_urgent = False

    def add_line(self, line):
        self.lines.append(line)
        if len(self.lines) > MAX_LINES:
            del self.lines[0]
            self.lost_lines += 1

    def is_empty(self):
        return not (self.fields or self.metadata or self.steps or self.lines or self.last)

    def take(self):
        """The members of the next request. The last report goes with the last lines."""
        report = dict(self.fields)
        if self.metadata:
            report["metadata"] = self.metadata
        if self.steps:
            report["steps"] = self.steps
        lines = self._take_lines()
        if lines:
            report["log"] = lines
            if self.lost_lines:
                report["lostLines"] = self.lost_lines
            self.lost_lines = 0
        self.fields, self.metadata, self.steps = {}, {}, {}
        if self.last is not None and not self.lines:
            report.update(self.last)
        self.is_urgent = bool(self.lines)
        return report

    def _take_lines(self):
        size, count = 0, 0
        while count < len(self.lines) and size < MAX_LINE_BYTES_SENT:
            size += len(json.dumps(self.lines[count]))
            count += 1
        taken, self.lines = self.lines[:count], self.lines[count:]
        return taken


class _Reporting:
    """Holds the lock of a job while a report is added, and wakes its thread."""

    def __init__(self, job, urgent):
        self._job, self._urgent = job, urgent

    def __enter__(self):
        self._job._changed.acquire()

    def __exit__(self, kind, error, traceback):
        self._job._pending.is_urgent |= self._urgent
        self._job._changed.notify_all()
        self._job._changed.release()
        return False


def _is_last(report):
    return "end" in report or "requeue" in report


class _Failure(Exception):
    """A request failed, and may succeed later."""

    def __init__(self, reason, retry_after=0.0):
        super().__init__(str(reason))
        self.retry_after = retry_after


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The library never redirects, so a redirect comes from something in between."""

    def redirect_request(self, *_):
        return None


class _Server:
    """Requests to one job. Each raises `Refused` for an answer that is final, else `_Failure`."""

    def __init__(self, url, headers):
        self.url = url
        self._headers = headers if callable(headers) else lambda: headers or {}
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._offset_ms = 0

    def now_ms(self):
        """The time by the server's clock, as the last answer told it."""
        return round(time.time() * 1000) + self._offset_ms

    def get(self, path):
        return self._ask(path, None)

    def post(self, path, body):
        return self._ask(path, json.dumps(body).encode())

    def _ask(self, path, data):
        headers = {"content-type": "application/json", "accept": "application/json", **self._headers()}
        request = urllib.request.Request(f"{self.url}/{path}", data=data, headers=headers)
        try:
            with self._opener.open(request, timeout=10) as response:
                answer = json.load(response)
            self._offset_ms = answer["now"] - round(time.time() * 1000)
            return answer
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            # Also an answer that is not the server's, such as a page of a proxy.
            raise _Failure(repr(error)) from None


def _refusal(error):
    """A refusal is final only if it is the server's own (P45): a proxy may answer anything during a deployment."""
    try:
        problem = json.load(error)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return _Failure(error, _wait_of(error.headers, None))
    if error.code in (408, 425, 429) or error.code >= 500:
        return _Failure(f"{code}: {detail}", _wait_of(error.headers, problem.get("retryAfterMs")))
    return Refused(code, detail)


def _wait_of(headers, wait_ms):
    """Seconds for which the server asks to wait (P41): by its body, or else by `Retry-After`, which a proxy may send."""
    if isinstance(wait_ms, (int, float)) and wait_ms >= 0:
        return min(wait_ms, MAX_WAIT * 1000) / 1000
    return min(max(_seconds_of(headers.get("retry-after"), headers.get("date")), 0.0), MAX_WAIT)


def _seconds_of(retry_after, date):
    """A date is compared with that of the same answer: the clock of this machine may differ."""
    try:
        if retry_after.strip().isdigit():
            return float(retry_after)
        parse = email.utils.parsedate_to_datetime
        return (parse(retry_after) - parse(date)).total_seconds()
    except (AttributeError, IndexError, TypeError, ValueError):
        return 0.0
