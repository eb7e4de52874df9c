"""Tests that the kernel that evcxr publishes is used only if it is complete and runs."""

import hashlib
import http.server
import io
import json
import ssl
import subprocess
import sys
import tarfile
import threading

from .support import ROOT, ScriptTest

NAME = "evcxr_jupyter-v0.22.0-x86_64-unknown-linux-gnu.tar.gz"
KERNEL = ROOT / ".venv" / "bin" / "evcxr_jupyter"


class ReleasePage(http.server.ThreadingHTTPServer):
    """Answers like GitHub's API and its download page, over TLS."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Answers)
        self.certificate = folder / "certificate.pem"
        key = folder / "key.pem"
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        command += " -addext subjectAltName=IP:127.0.0.1"
        files = ["-keyout", key, "-out", self.certificate]
        subprocess.run([*command.split(), *files], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.status, self.archive, self.length, self.redirect = 200, b"", None, None
        self.release = {}

    def publishes(self, files, name=NAME, digest=None):
        """Puts an archive of these files on the page, with its true checksum or another one."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
            for path, content in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self.archive = archive.getvalue()
        if digest is None:
            digest = f"sha256:{hashlib.sha256(self.archive).hexdigest()}"
        asset = {"name": name, "digest": digest, "browser_download_url": f"{self.url}/file"}
        other = {"name": "evcxr-v0.22.0-x86_64-apple-darwin.tar.gz", "digest": None}
        self.release = {"tag_name": "v0.22.0", "assets": [other, asset]}


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.server
        if self.path == "/tags/v0.22.0":
            content, status = json.dumps(page.release).encode(), page.status
        elif self.path == "/file" and page.redirect:
            self.send_response(302)
            self.send_header("Location", page.redirect)
            self.end_headers()
            return
        else:
            content, status = page.archive, 200 if self.path == "/file" else 404
        self.send_response(status)
        self.send_header("Content-Length", str(page.length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class PublishedKernel(ScriptTest):
    def setUp(self):
        super().setUp()
        self.page = ReleasePage(self.folder)
        threading.Thread(target=self.page.serve_forever, daemon=True).start()
        self.addCleanup(self.page.server_close)
        self.addCleanup(self.page.shutdown)
        self.place = self.folder / "bin" / "evcxr_jupyter"

    def take(self, status, **variables):
        variables = {
            "EVCXR_RELEASES": self.page.url,
            "SSL_CERT_FILE": self.page.certificate,
        } | variables
        script = ROOT / "binder" / "published_kernel.py"
        shown = self.run_script(
            sys.executable, script, "0.22.0", self.place, status=status, **variables
        )
        self.assertEqual(self.place.exists(), status == 0)
        return shown.strip().splitlines()[-1]

    def refused(self, *expected, **variables):
        told = self.take(1, **variables)
        self.assertTrue(told.startswith("the published kernel "), told)
        for words in expected:
            self.assertIn(words, told)

    def test_a_good_one_runs_a_cell(self):
        self.page.publishes({"a/README.md": b"hi", "a/evcxr_jupyter": KERNEL.read_bytes()})
        told = self.take(0)
        self.assertRegex(told, r"^downloaded from https://.*/file \(sha256:[0-9a-f]{64}\)$")
        self.assertEqual(self.place.read_bytes(), KERNEL.read_bytes())

    def test_another_checksum(self):
        self.page.publishes({"evcxr_jupyter": b"x"}, digest="sha256:" + "0" * 64)
        self.refused("another checksum")

    def test_no_checksum(self):
        self.page.publishes({"evcxr_jupyter": b"x"})
        self.page.release["assets"][1]["digest"] = None
        self.refused("with its SHA-256")
        self.page.release["assets"][1]["digest"] = "md5:00"
        self.refused("has no SHA-256")

    def test_half_a_file(self):
        self.page.publishes({"evcxr_jupyter": b"x"})
        self.page.length = 10**6
        self.refused("cut")

    def test_an_older_system(self):
        """The program needs a C library that this machine does not have."""
        source, program = self.folder / "new.c", self.folder / "new"
        source.write_text('#include <stdio.h>\nint main(void) { puts("42"); return 0; }\n')
        subprocess.run(["cc", "-o", program, source], check=True)
        newer = program.read_bytes().replace(b"GLIBC_2.", b"GLIBC_9.")
        self.page.publishes({"evcxr_jupyter": newer})
        self.refused("does not start here", "GLIBC_9")

    def test_a_program_that_is_no_kernel(self):
        self.page.publishes({"evcxr_jupyter": b"#!/bin/sh\nexit 0\n"})
        self.refused("runs no cell here")
        self.page.publishes({"evcxr_jupyter": b"not for this processor"})
        self.refused("does not start here")

    def test_no_network(self):
        self.refused("could not be downloaded", EVCXR_RELEASES="https://127.0.0.1:9")

    def test_an_untrusted_certificate(self):
        self.page.publishes({"evcxr_jupyter": b"x"})
        self.refused("could not be downloaded", "CERTIFICATE", SSL_CERT_FILE="/dev/null")

    def test_without_tls_nothing_is_fetched(self):
        self.refused("without TLS", EVCXR_RELEASES="http://127.0.0.1:9")
        self.page.publishes({"evcxr_jupyter": b"x"})
        self.page.redirect = "http://127.0.0.1:9/file"
        self.refused("without TLS")

    def test_an_unexpected_answer(self):
        self.page.publishes({"evcxr_jupyter": b"x"}, name="evcxr_jupyter-v0.22.0-other.tar.gz")
        self.refused("is not on its page")
        self.page.release = []
        self.refused("is not on its page")
        self.page.status = 403  # its limit for requests without a token
        self.refused("could not be downloaded", "403")

    def test_an_archive_without_exactly_one_kernel(self):
        for files in ({}, {"other": b"x"}, {"a/evcxr_jupyter": b"x", "b/evcxr_jupyter": b"y"}):
            self.page.publishes(files)
            self.refused("no archive that holds one program")
        self.page.archive = b"no archive"
        digest = hashlib.sha256(self.page.archive).hexdigest()
        self.page.release["assets"][1]["digest"] = f"sha256:{digest}"
        self.refused("no archive that holds one program")

    def test_the_set_up_uses_it_and_says_so(self):
        """First the user has no kernel yet; then the same user wants it built here."""
        clone = self.copy_of_workshop()
        self.page.publishes({"evcxr_jupyter": KERNEL.read_bytes()})
        variables = {
            "XDG_CACHE_HOME": self.folder / "cache",
            "EVCXR_RELEASES": self.page.url,
            "SSL_CERT_FILE": self.page.certificate,
        }
        with_python = self.fake_python_steps(clone)
        setup = clone / "binder" / "setup"
        shown = self.run_script(setup, "jupyter", status=0, **variables, PATH=with_python)
        self.assertRegex(shown, r"setup:   downloaded from https://.*--from-source' builds it")
        again = self.run_script(setup, "jupyter", status=0, **variables, PATH=with_python)
        self.assertEqual(again, "")
        # This cargo only prints its arguments.
        self.fake_command("cargo", 'echo "cargo $*" >&2; [ "$1" = clippy ]\n')
        shown = self.run_script(
            setup, "--from-source", "jupyter", status=1, **variables, PATH=with_python
        )
        self.assertIn("cargo install evcxr_jupyter", shown)

    def fake_python_steps(self, clone):
        """Returns a path on which `python3 -m venv` provides this workshop's own environment at once."""
        real = sys.executable
        return self.fake_command(
            "python3",
            f'if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" "$3/share/jupyter"\n'
            f'  ln -s {ROOT}/.venv/lib "$3/lib"\n'
            f'  for name in python jupyter; do printf \'#!/bin/sh\\n[ "$2" = pip ] && exit\\nexec %s/.venv/bin/%s "$@"\\n\''
            f' "{ROOT}" "$name" >"$3/bin/$name"; chmod +x "$3/bin/$name"; done\n'
            f'else exec "{real}" "$@"; fi\n',
        )
