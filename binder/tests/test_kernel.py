"""Tests the kernel's launcher: kernels do not disturb each other and leave nothing behind."""

import contextlib
import fcntl
import hashlib
import importlib.machinery
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path
from unittest import mock

import psutil
from jupyter_client.manager import start_new_kernel

import warm

from .support import ROOT, SETUP_CELL, path_without

FOLDERS = (ROOT / "target" / "kernel").resolve()
DEADLINE_SECONDS = 30  # a machine may be busy; no wait is longer than needed


def fingerprint(folder):
    """Returns a hash of all files' names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def wait_until(condition, seconds=DEADLINE_SECONDS):
    """Waits for the condition; returns whether it holds in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def alive(processes, name=None):
    """Returns the processes that still run (a zombie does not) and have this name, if one is given."""
    running = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            known = process.as_dict(["name", "status"])
            if known["status"] != psutil.STATUS_ZOMBIE and name in (None, known["name"]):
                running.append(process)
    return running


def kill_all(processes):
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class TheWarmFolder(unittest.TestCase):
    def test_it_is_made_when_its_kernels_own_folder_is_gone(self):
        """An image's layer that ended earlier would keep that folder: its relay would end too."""
        with tempfile.TemporaryDirectory() as place:
            session = Path(place, "session.x")
            session.mkdir()
            lock = Path(place, "session.x.lock")
            lock.touch()
            Path(place, "session.other").mkdir()
            removals = threading.Timer(0.3, lambda: (session.rmdir(), lock.unlink()))
            removals.start()
            self.addCleanup(removals.join)
            with mock.patch("warm.FOLDERS", Path(place)):
                warm.wait_until_removed(session)
            self.assertEqual(os.listdir(place), ["session.other"])

    def test_what_rustc_keeps_for_a_next_build_is_left_out(self):
        """Otherwise each kernel's start would copy it."""
        self.assertTrue((FOLDERS / "warm").is_dir())
        self.assertEqual(list((FOLDERS / "warm").rglob("incremental")), [])


def launcher():
    """Returns `binder/kernel` as a module."""
    loader = importlib.machinery.SourceFileLoader("kernel", str(ROOT / "binder" / "kernel"))
    kernel = types.ModuleType("kernel")
    kernel.__file__ = loader.path
    loader.exec_module(kernel)
    return kernel


class Ports(unittest.TestCase):
    """The ports of Jupyter are bound by nobody for a moment when a kernel starts."""

    def setUp(self):
        self.kernel = launcher()

    def test_evcxr_has_none_that_linux_hands_out_by_itself(self):
        """Jupyter's ports are such ports."""
        ports = self.kernel.free_ports(1000)
        self.assertLess(max(ports), 32_768)
        self.assertEqual(len({*ports}), 1000)

    def test_a_port_in_use_is_not_chosen(self):
        with socket.create_server(("127.0.0.1", 0)) as used:
            port = used.getsockname()[1]
            self.kernel.EVCXR_PORTS = range(port, port + 1)
            with self.assertRaisesRegex(SystemExit, "in use"):
                self.kernel.free_ports(1)


class StaleFolders(unittest.TestCase):
    """Two kernels that start at once look at the same folders, and at each other's."""

    def setUp(self):
        self.kernel = launcher()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.kernel.FOLDERS = str(self.folder)
        self.kernel.WARM = str(self.folder / "warm")

    def test_one_that_another_kernel_has_just_removed_is_no_error(self):
        with mock.patch("os.listdir", return_value=["session.gone"]):
            self.kernel.remove_stale_sessions()

    def test_one_without_its_lock_goes(self):
        (self.folder / "session.half").mkdir()
        self.kernel.remove_stale_sessions()
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_starting_kernel_keeps_its_own(self):
        """Another kernel looks just before the lock is taken, which is the worst moment."""
        take_lock = fcntl.flock

        def look_and_take_lock(*arguments):
            with mock.patch("fcntl.flock", take_lock):
                self.kernel.remove_stale_sessions()
            take_lock(*arguments)

        with mock.patch("fcntl.flock", look_and_take_lock):
            session = self.kernel.new_session()
        self.assertTrue(Path(session, "build", "Cargo.lock").is_file())
        self.kernel.remove_stale_sessions()
        self.assertTrue(Path(session).exists(), "a living kernel's folder was removed")


class Kernel:
    """One kernel, as Jupyter starts it."""

    def __init__(self, **variables):
        self.manager, self.client = start_new_kernel(
            kernel_name="rust",
            startup_timeout=120,
            cwd=str(ROOT / "notebooks"),
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
        )
        self.pid = self.manager.provisioner.pid
        # The relay ends last; what matters is that it removes this folder.
        self.session = Path(psutil.Process(self.pid).environ()["EVCXR_TMPDIR"]).parent

    def run(self, cell):
        """Runs a cell and returns what it printed."""
        printed = []

        def keep(message):
            printed.append(message["content"].get("text", message["content"].get("evalue", "")))

        reply = self.client.execute_interactive(cell, output_hook=keep, timeout=120)
        if reply["content"]["status"] != "ok":
            raise AssertionError(f"this cell failed: {cell}\n{''.join(printed)}")
        return "".join(printed)

    def processes(self):
        """Returns all processes that it has started, including its relay."""
        return psutil.Process(self.pid).children(recursive=True)

    def stop(self):
        self.client.stop_channels()
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)


class WithKernels(unittest.TestCase):
    """A test that starts kernels, and stops them at its end."""

    def start(self, **variables):
        kernel = Kernel(**variables)
        self.addCleanup(kernel.stop)
        return kernel

    def assert_gone(self, kernel):
        self.assertTrue(
            wait_until(lambda: not kernel.session.exists()), f"{kernel.session} is still there"
        )


class KernelTest(WithKernels):
    def test_two_kernels_disturb_neither_each_other_nor_the_warm_folder(self):
        before = fingerprint(FOLDERS / "warm")
        with tempfile.TemporaryDirectory() as temporary:
            kernels = [self.start(TMPDIR=temporary) for _ in range(2)]
            for kernel in kernels:
                kernel.run(SETUP_CELL)
            for number, kernel in enumerate(kernels):
                kernel.run(f"fn mine() -> i32 {{ {number} }}\nlet mut held = vec![{number}];")
            for number, kernel in enumerate(kernels):
                kernel.run("held.push(mine());")
                shown = kernel.run('println!("{held:?}");')
                self.assertIn(f"[{number}, {number}]", shown)
            for kernel in kernels:
                kernel.stop()
                self.assert_gone(kernel)
            self.assertEqual(os.listdir(temporary), [], "left in the temporary folder")
        self.assertEqual(fingerprint(FOLDERS / "warm"), before, "the warm folder has changed")

    def kill_at_work(self, kernel, cell, name, count):
        """Kills the kernel once the cell has this many processes of this name; asserts that all end."""
        kernel.client.execute(cell)

        def at_work():
            return len(alive(kernel.processes(), name)) == count

        self.assertTrue(wait_until(at_work, 60), kernel.processes())
        started = kernel.processes()
        os.kill(kernel.pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not alive(started)), f"alive: {alive(started)}")
        self.assert_gone(kernel)

    def test_a_kernel_killed_in_a_long_cell_leaves_nothing(self):
        cell = (
            'let mut child = std::process::Command::new("sh")'
            '.args(["-c", "sleep 1001 & sleep 1002"]).spawn().unwrap();\nloop {}'
        )
        self.kill_at_work(self.start(), cell, "sleep", 2)

    def test_a_kernel_killed_in_a_long_candidate_leaves_nothing(self):
        kernel = self.start(LLM_MODE="scripted")
        kernel.run(SETUP_CELL + "\nuse code_evolution::prelude::*;\nlet lab = Lab::start()?;")
        kernel.run(
            "let limits = Limits { cpu_ms: 60_000, case_wall_ms: 60_000, wall_ms: 60_000,"
            " ..Limits::default() };\n"
            'let task = Task::new("fn f(n: u32) -> u32").case((1,), 1).limits(limits);'
        )
        # The candidate is in a jail, in a session of its own, and not in the kernel's process group.
        endless = 'lab.judge("fn f(n: u32) -> u32 { loop { std::hint::black_box(n); } }", &task)?'
        self.kill_at_work(kernel, endless, "candidate", 1)

    def test_a_kernel_goes_with_the_jupyter_that_started_it(self):
        start = (
            "from tests.test_kernel import Kernel\n"
            "import time\n"
            "kernel = Kernel()\n"
            "print(kernel.pid, kernel.session, flush=True)\n"
            "time.sleep(1000)\n"
        )
        jupyter = subprocess.Popen(
            [sys.executable, "-c", start], cwd=ROOT / "binder", stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(jupyter.stdout.close)
        self.addCleanup(jupyter.wait)
        self.addCleanup(jupyter.kill)
        pid, session = jupyter.stdout.readline().split()
        kernel = psutil.Process(int(pid))
        jupyter.kill()
        self.assertTrue(wait_until(lambda: not alive([kernel])), "the kernel still runs")
        self.assertTrue(wait_until(lambda: not Path(session).exists()), "its folder is still there")

    def test_the_next_start_removes_what_a_killed_relay_could_not(self):
        """But not while a child of the killed kernel lives, which may still use the folder."""
        kernel = self.start()
        kernel.run('let child = std::process::Command::new("sleep").arg("1001").spawn().unwrap();')
        started = [*kernel.processes(), psutil.Process(kernel.pid)]
        [relay] = [p for p in started if os.getsid(p.pid) == p.pid and p.pid != kernel.pid]
        [child] = alive(started, "sleep")
        started.remove(child)
        self.addCleanup(kill_all, [child])
        kill_all([relay, *started])
        psutil.wait_procs(started, timeout=DEADLINE_SECONDS)
        other = self.start()
        self.assertTrue(kernel.session.exists(), "a living child's folder was removed")
        kill_all([child])
        psutil.wait_procs([child], timeout=DEADLINE_SECONDS)
        # From here on any kernel that starts may remove the folder, also one of another test.
        self.start()
        self.assertFalse(kernel.session.exists(), f"{kernel.session} is still there")
        self.assertTrue(other.session.exists(), "a living kernel's folder was removed")
        self.assertEqual(other.run('println!("{}", 6 * 7);').strip(), "42")

    def test_it_needs_no_python3_on_the_path(self):
        """The first `python3` there may be too old, or there may be none."""
        with tempfile.TemporaryDirectory() as folder:
            bin = path_without({"python3"}, Path(folder, "bin"))
            kernel = self.start(PATH=str(bin))
            self.assertEqual(kernel.run('println!("{}", 6 * 7);').strip(), "42")
            kernel.stop()

    def test_a_participants_own_settings_do_not_reach_the_kernel(self):
        kernel = self.start(
            CARGO_TARGET_DIR="/nowhere", RUSTFLAGS="--cfg strange", LLM_MODE="replay"
        )
        shown = kernel.run('println!("{:?}", std::env::vars().collect::<Vec<_>>());')
        self.assertNotIn("/nowhere", shown)
        self.assertNotIn("strange", shown)
        self.assertIn('("LLM_MODE", "replay")', shown)
