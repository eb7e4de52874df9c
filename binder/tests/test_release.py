"""Tests what a release shows: the README, and each crate's page on crates.io."""

import re
import tomllib
import unittest

from .support import ROOT

MANIFEST = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
ADDRESS = MANIFEST["workspace"]["package"]["repository"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


class TheReadme(unittest.TestCase):
    """A visitor reads it in a minute, and its links lead to existing files."""

    def test_it_is_short(self):
        before = README.split("\n## Further reading", 1)
        self.assertEqual(len(before), 2, "the papers have no section of their own")
        self.assertLess(len(before[0].split()), 1000)

    def test_its_links_lead_somewhere(self):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
        self.assertGreater(len(links), 10)
        for link in links:
            self.assertTrue((ROOT / link).exists(), link)

    def test_there_are_badges_if_the_address_is_public(self):
        """`binder/publish` puts them there (see test_publish)."""
        public = "/OWNER/" not in ADDRESS
        self.assertEqual("mybinder.org/v2/" in README, public)
        self.assertEqual("No public address yet" in README, not public)


class CratesPages(unittest.TestCase):
    def test_each_crate_has_a_page_that_works_there(self):
        """Links are absolute and lead to existing files; the examples are those of the tested documentation."""
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
    """Returns the code on a crate's front page, without the hidden lines."""
    lines = re.findall(r"^//! ?(.*)$", source.read_text(encoding="utf-8"), re.MULTILINE)
    shown = [line for line in lines if line != "#" and not line.startswith("# ")]
    page = "".join(f"{line}\n" for line in shown)
    return re.findall(r"^```(?:no_run)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
