"""Judges one population on several workers of dask.distributed: `binder/bench workers`.

Each worker has a host of its own, a process that reads one request per line and writes one verdict per
line (`code_evolution_host judge --jsonl`). Halfway, one worker is killed. The scheduler gives its work to
the others, its nanny starts a new one, and every verdict arrives exactly once. On several machines
only the cluster changes: `Client("tcp://scheduler:8786")`.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import Client, LocalCluster, as_completed, get_worker

HOST = Path(__file__).resolve().parent.parent.parent / "target/release/code_evolution_host"
BODY = 'if n % 15 == 0 { return "FizzBuzz".into() } if n % 3 == 0 { return "Fizz".into() }'
ANSWERS = ["Fizz" * (n % 3 == 0) + "Buzz" * (n % 5 == 0) or str(n) for n in range(1, 16)]
# Does not log the death of a worker: here it is intended.
CLUSTER = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
TASK = {
    "signature": "fn fizzbuzz(n: u32) -> String",
    "cases": [
        {"name": str(n), "input": [n], "expected": a} for n, a in enumerate(ANSWERS, start=1)
    ],
}


def judge(number):
    """Judges candidate `number` with this worker's host. Every second candidate fails three cases."""
    worker = get_worker()
    if not hasattr(worker, "judge"):
        worker.judge = subprocess.Popen(
            [HOST, "judge", "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    five = 'if n % 5 == 0 { return "Buzz".into() }' if number % 2 == 0 else ""
    code = f"fn fizzbuzz(n: u32) -> String {{ /* {number} */ {BODY} {five} n.to_string() }}"
    print(
        json.dumps({"id": number, "task": TASK, "code": code}), file=worker.judge.stdin, flush=True
    )
    verdict = json.loads(worker.judge.stdout.readline())
    return verdict["id"], verdict["passed"], os.getpid()


def round_of(workers, candidates):
    """Judges all candidates, kills a worker halfway; returns the seconds and the cells of the table's row."""
    arrived, busy = [], set()
    with (
        LocalCluster(**CLUSTER, n_workers=workers) as cluster,
        Client(cluster) as client,
    ):
        addresses = client.scheduler_info()["workers"]
        client.gather([client.submit(judge, -1, workers=[a], pure=False) for a in addresses])
        began = time.monotonic()
        for _, (number, passed, pid) in as_completed(
            client.map(judge, range(candidates)), with_results=True
        ):
            arrived.append((number, passed))
            busy.add(pid)
            if len(arrived) == candidates // 2:
                os.kill(pid, signal.SIGKILL)
        seconds = time.monotonic() - began
    right = [(n, 15 if n % 2 == 0 else 13) for n in range(candidates)]
    if sorted(arrived) != right:
        sys.exit(f"workers: {len(arrived)} verdicts for {candidates} candidates, or a wrong one")
    return seconds, f"{len(arrived)}, each once | {len(busy)}"


def main():
    quick = "--quick" in sys.argv
    candidates = 40 if quick else 1_000
    print(f"{candidates} candidates, one worker killed halfway, {os.cpu_count()} cores\n")
    print("| workers | s in all | ms a candidate | verdicts | processes that judged |")
    print("|---|---|---|---|---|")
    for workers in [2] if quick else [1, 2, 4]:
        # Each round has its own cache of verdicts. Only what the killed worker had judged is in it already.
        with tempfile.TemporaryDirectory() as cache:
            os.environ["XDG_CACHE_HOME"] = cache
            seconds, cells = round_of(workers, candidates)
        each = seconds / candidates * 1e3
        print(f"| {workers} | {seconds:.1f} | {each:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
