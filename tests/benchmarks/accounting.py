"""What a process has used, by the kernel's account: its nanoseconds on a processor, its memory."""

import resource
import time
from collections.abc import Iterable
from pathlib import Path

import psutil


def tree(pid: int) -> list[int]:
    """The process and everything it has started."""
    parent = psutil.Process(pid)
    return [parent.pid, *(child.pid for child in parent.children(recursive=True))]


def cpu_s(pid: int) -> float:
    """Processor seconds of all threads that live, in user and kernel mode.

    The scheduler counts nanoseconds, where ``/proc/PID/stat`` tells hundredths of a second. What a
    socket's write does in the kernel, to the moment the receiver is woken, is the writer's.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9


def rss_mb(pids: Iterable[int]) -> float:
    """Resident memory, in MB of a million bytes."""
    return sum(psutil.Process(pid).memory_info().rss for pid in pids) / 1e6


class Neighbours:
    """How much of the machine others used from here on; all own children must have ended."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._others_s = self._others()

    def cores(self) -> float:
        """Cores that were kept busy by others, on average."""
        return max(self._others() - self._others_s, 0) / (time.perf_counter() - self._begun)

    def _others(self) -> float:
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - times.iowait - times.guest - times.guest_nice
        own = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        used = [resource.getrusage(each) for each in own]
        return float(busy) - sum(each.ru_utime + each.ru_stime for each in used)
