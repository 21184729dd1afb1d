"""Counts the primes below a bound, as a worker of @emlinh/progress.

    python3 count_primes.py http://127.0.0.1:3000/api/progress JOB_ID 10000000 [attempt]

SIGTERM gives the job back to the queue. The exit code is 0 for an end that was delivered.
"""

import signal
import sys
import threading

from progress_worker import Cancelled, Stopped, open_job

SEGMENT = 200_000


def primes_up_to(bound):
    """The primes up to a bound, by the sieve of Eratosthenes."""
    is_prime = bytearray([1]) * (bound + 1)
    is_prime[0:2] = b"\0\0"[: bound + 1]
    for number in range(2, int(bound**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, bound + 1, number)))
    return [number for number in range(bound + 1) if is_prime[number]]


def count_segment(start, stop, small_primes):
    """The number of primes from `start` inclusive to `stop` exclusive."""
    is_prime = bytearray([1]) * (stop - start)
    for prime in small_primes:
        if prime * prime >= stop:
            break
        first = max(prime * prime, -(-start // prime) * prime) - start
        is_prime[first::prime] = bytes(len(range(first, stop - start, prime)))
    return sum(is_prime)


def count_primes(job, below, is_stopping):
    """Counts segment by segment. Between two segments it reports, and looks whether to stop."""
    with job.step("prepare"):
        small_primes = primes_up_to(int(below**0.5) + 1)
    found = 0
    with job.step("count") as step:
        for start in range(2, below, SEGMENT):
            job.check()
            if is_stopping.is_set():
                return None
            stop = min(start + SEGMENT, below)
            found += count_segment(start, stop, small_primes)
            step.update(done=stop, total=below, unit="numbers")
            job.log(f"{found} primes below {stop}", data={"below": stop})
    return found


def main(base_url, job_id, below, attempt=None):
    is_stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_stopping.set())
    try:
        with open_job(base_url, job_id, attempt=attempt) as job:
            print("open", flush=True)
            found = count_primes(job, int(below), is_stopping)
            if found is None:
                job.requeue("The worker was stopped.")
            else:
                job.complete({"primes": found})
    except Cancelled:
        print("cancelled", flush=True)
    except Stopped as stopped:
        print(f"stopped: {stopped.code}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
