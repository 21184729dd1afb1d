"""Reports from eight threads at once: 50 lines and 2,000 updates each, and values that the server refuses."""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from progress_worker import open_job  # noqa: E402


def report(job, number):
    for index in range(50):
        job.log(f"{number}.{index}")
        for update in range(40):
            job.update(metadata={f"thread{number}": 40 * index + update})


with open_job(sys.argv[1], sys.argv[2]) as job:
    threads = [threading.Thread(target=report, args=(job, number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job.complete(len(threads))
