"""What a release shows to others: the repository's name, and each crate's page on crates.io."""

import re
import tomllib
import unittest

from .support import ROOT

MANIFEST = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
ADDRESS = MANIFEST["workspace"]["package"]["repository"]


class TheRepositorysName(unittest.TestCase):
    """It stands in Cargo.toml; the links must say the same. (The notebooks': checks.hygiene.)"""

    def test_the_readmes_links_agree(self):
        name = ADDRESS.removeprefix("https://github.com/")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        self.assertRegex(
            readme, rf"(?m)^\[binder\]: https://mybinder\.org/v2/gh/{name}/HEAD\?urlpath="
        )
        self.assertRegex(readme, rf"(?m)^\[codespaces\]: https://codespaces\.new/{name}$")
        landing = re.search(r"^\[binder\]: .*\?urlpath=lab/tree/(.*)$", readme, re.MULTILINE)[1]
        self.assertRegex(landing, "^work/", "where an image has the copies")
        self.assertTrue((ROOT / landing.replace("work", "notebooks", 1)).is_file(), landing)


class CratesPages(unittest.TestCase):
    def test_each_has_one_that_holds_there(self):
        """Links are absolute, to files that exist; an example is the one that is tested as documentation."""
        for member in MANIFEST["workspace"]["members"]:
            with self.subTest(member):
                crate = ROOT / member
                page = (crate / "README.md").read_text(encoding="utf-8")
                self.assertEqual((crate / "LICENSE").resolve(), ROOT / "LICENSE")
                for link in re.findall(r"\]\(([^)]+)\)", page):
                    self.assertTrue(link.startswith(ADDRESS), link)
                    path = re.sub(r"^/(?:blob|tree)/HEAD/", "", link.removeprefix(ADDRESS))
                    self.assertTrue((ROOT / path).exists(), link)
                examples = re.findall(r"^```rust\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
                self.assertEqual(examples, tested_examples(crate / "src" / "lib.rs"))


def tested_examples(source):
    """The code of a crate's front page, without the lines that it hides."""
    lines = re.findall(r"^//! ?(.*)$", source.read_text(encoding="utf-8"), re.MULTILINE)
    shown = [line for line in lines if line != "#" and not line.startswith("# ")]
    page = "".join(f"{line}\n" for line in shown)
    return re.findall(r"^```(?:no_run)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
