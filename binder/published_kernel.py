"""Downloads the kernel that evcxr publishes with its release, if this machine can run it.

    .venv/bin/python binder/published_kernel.py VERSION FILE

The file comes over TLS from evcxr's own release page. It is kept only if its SHA-256 is the one that
the release's API states, and if it runs a cell: this machine's system may be older than the one that it
was built on. Exit status 0: FILE is there, and the last line says where it is from. Status 1: the last
line says why not; `binder/setup` then builds the kernel from its source, which crates.io checks.

The checksum finds a file that was cut or changed on the way. It does not protect from an attacker who
controls the release page; against that, use `binder/setup --from-source`.
"""

import hashlib
import http.client
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

# EVCXR_RELEASES names another address with the same API, such as a mirror.
RELEASES = "https://api.github.com/repos/evcxr/evcxr/releases"
SILENCE_SECONDS = 30  # then the server counts as gone
MOST_BYTES = 200 * 2**20  # the file has some 10 MB; an endless one must not fill the disk
TRIAL_SECONDS = 120
CELL = 'println!("{}", 6 * 7);'


class NotTaken(Exception):
    """Says why the published kernel is not taken. The text continues "the published kernel ..."."""


def main():
    version, place = sys.argv[1], Path(sys.argv[2])
    try:
        asset = find(version)
        binary = unpack(download(asset))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(binary)
        place.chmod(0o755)
        run_a_cell(place)
    except NotTaken as why:
        place.unlink(missing_ok=True)
        print(f"the published kernel {why}")
        sys.exit(1)
    print(f"downloaded from {asset['browser_download_url']} ({asset['digest']})")


def find(version):
    """Returns the release's file for this machine, as the API describes it."""
    machine, (libc, _) = platform.machine(), platform.libc_ver()
    if (sys.platform, machine, libc) != ("linux", "x86_64", "glibc"):
        raise NotTaken(f"is for x86_64 with glibc, and this is {machine} with {libc or 'another'}")
    name = f"evcxr_jupyter-v{version}-x86_64-unknown-linux-gnu.tar.gz"
    releases = os.environ.get("EVCXR_RELEASES", RELEASES)
    try:
        release = json.loads(fetch(f"{releases}/tags/v{version}"))
        [asset] = [asset for asset in release["assets"] if asset["name"] == name]
        if not asset["digest"].startswith("sha256:"):
            raise NotTaken(f"has no SHA-256 on its page: {asset['digest']}")
        return asset
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotTaken(f"is not on its page as {name}, with its SHA-256") from None


def download(asset):
    """Returns the file's bytes, if they have the checksum that the API states."""
    content = fetch(asset["browser_download_url"])
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != asset["digest"]:
        raise NotTaken(f"came with another checksum than its page states: {found}")
    return content


def fetch(address):
    if not address.startswith("https://"):
        raise NotTaken(f"is not fetched without TLS: {address}")
    request = urllib.request.Request(address, headers={"User-Agent": "code-evolution"})
    try:
        with OPENER.open(request, timeout=SILENCE_SECONDS) as response:
            content = response.read(MOST_BYTES + 1)
            length = response.headers.get("Content-Length")
    except (OSError, http.client.HTTPException) as error:
        raise NotTaken(f"could not be downloaded: {error}") from None
    if len(content) > MOST_BYTES:
        raise NotTaken(f"is larger than {MOST_BYTES // 2**20} MB")
    if length and len(content) < int(length):
        raise NotTaken(f"came cut: {len(content)} of {length} bytes")
    return content


class OnlyTls(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, response, code, message, headers, address):
        if not address.startswith("https://"):
            raise NotTaken(f"is not fetched without TLS: {address}")
        return super().redirect_request(request, response, code, message, headers, address)


OPENER = urllib.request.build_opener(OnlyTls)


def unpack(archive):
    """Returns the kernel's program from the archive; nothing else in it is used."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            members = [m for m in tar if m.isfile() and Path(m.name).name == "evcxr_jupyter"]
            [member] = members
            return tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, ValueError):
        raise NotTaken("is no archive that holds one program evcxr_jupyter") from None


def run_a_cell(program):
    """Runs one cell on the kernel. Only this shows that a system library is too old."""
    try:
        started = subprocess.run(
            [program, "--help"], check=False, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotTaken(f"does not start here: {error}") from None
    if started.returncode != 0:
        words = started.stderr.strip().splitlines() or [f"status {started.returncode}"]
        raise NotTaken(f"does not start here: {words[-1]}")
    with tempfile.TemporaryDirectory() as folder:
        spec = {"argv": [str(program), "--control_file", "{connection_file}"]}
        spec |= {"display_name": "Rust", "language": "rust"}
        Path(folder, "rust").mkdir()
        Path(folder, "rust", "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        specs = KernelSpecManager(kernel_dirs=[folder], ensure_native_kernel=False)
        kernel = KernelManager(kernel_name="rust", kernel_spec_manager=specs)
        kernel.start_kernel(cwd=folder, env=os.environ | {"EVCXR_CONFIG_DIR": folder})
        client = kernel.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=TRIAL_SECONDS)
            shown = []
            client.execute_interactive(
                CELL,
                timeout=TRIAL_SECONDS,
                output_hook=lambda message: shown.append(message["content"].get("text", "")),
            )
        except (RuntimeError, TimeoutError) as error:
            raise NotTaken(f"runs no cell here: {error}") from None
        finally:
            client.stop_channels()
            kernel.shutdown_kernel(now=True)
    if "".join(shown).strip() != "42":
        raise NotTaken(f"runs no cell here: it showed {''.join(shown).strip()!r:.200}")


if __name__ == "__main__":
    main()
