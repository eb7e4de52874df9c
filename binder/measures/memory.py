"""Measures the memory of a process and of all that it started, in bytes."""

import threading

import psutil


class MemoryWatch:
    """Samples the memory of a process and of all that it starts; keeps the peak."""

    def __init__(self, pid):
        self.process = psutil.Process(pid)
        self.peak_bytes = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.look()

    def sample(self):
        while not self.done.wait(0.2):
            self.look()

    def look(self):
        self.peak_bytes = max(self.peak_bytes, memory_of_all(self.process))


def memory_of_all(process):
    """Returns the memory of a process and of all that it started, in bytes.

    Shared pages count once (proportional set size), if the system reports that.
    """
    try:
        return sum(map(memory_of, [process, *process.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return 0


def memory_of(process):
    try:
        try:
            return process.memory_full_info().pss
        except (psutil.AccessDenied, AttributeError):
            return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
