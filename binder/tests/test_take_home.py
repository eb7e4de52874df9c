"""Tests the page "Take it home": its commands, the official MCP client, a forged log, and the
toolbox that notebook 3 itself makes."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import nbformat
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import ToolListChangedNotification

from checks import NOTEBOOKS, cells, run

from .support import ROOT, ScriptTest

HOST = os.environ.get("CODE_EVOLUTION_HOST", ROOT / "target/release/code_evolution_host")
PAGE = ROOT / "binder" / "TAKE_HOME.md"
HOME = ROOT / "target" / "take-home"
SCRIPTED = os.environ | {"LLM_MODE": "scripted"}


def commands():
    """Returns the page's commands, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


class ThePage(ScriptTest):
    def test_every_command_does_what_it_says(self):
        self.assertIsNotNone(shutil.which("npx"), "install Node.js 20 or newer: npx is missing")
        shutil.rmtree(HOME, ignore_errors=True)
        printed = [
            self.run_script("bash", "-euc", command, status=0, cwd=ROOT, LLM_MODE="scripted")
            for command in commands()
        ]
        expected = [
            "the crate my_fizzbuzz is written, with 4 tests",
            "4 passed",
            '"\\"FizzBuzz\\""',
            "intact, 2 log lines",
            "2 of 2 verdicts agree",
            "",
        ]
        self.assertEqual(len(printed), len(expected), commands())
        for command, text, part in zip(commands(), printed, expected, strict=True):
            self.assertIn(part, text, command)
        page = (HOME / "session.html").read_text()
        self.assertIn("Family tree of 2 candidates", page)
        self.assertNotIn("<script", page)

    def test_one_changed_verdict_is_found(self):
        take_home(self.folder)
        log = self.folder / "session.jsonl"
        rejudge = [HOST, "audit", "rejudge", log]
        self.run_script(*rejudge, status=0)
        log.write_text(log.read_text().replace('"passed":3', '"passed":4', 1))
        self.assertIn("broken, line", self.run_script(*rejudge, status=1))


def take_home(folder):
    command = ["cargo", "run", "--quiet", "-p", "code_evolution", "--example", "take_home"]
    subprocess.run([*command, "--", folder], cwd=ROOT, env=SCRIPTED, check=True)


class AnAssistant(ScriptTest):
    """Tests the official Python client, in both versions of the protocol."""

    def setUp(self):
        super().setUp()
        take_home(self.folder)
        self.toolbox = self.folder / "tools"

    def client(self, mode, told=None):
        async def hear(message):
            if told is not None and isinstance(message, ToolListChangedNotification):
                told.set()

        server = StdioServerParameters(
            command=str(HOST), args=["toolbox", "serve", str(self.toolbox)]
        )
        return Client(stdio_client(server), mode=mode, message_handler=hear)

    def admit(self, code, cases):
        """Puts a tool through the gate, as a notebook does, in another process."""
        call = {
            "admit": {
                "proposal": {
                    "task": {"signature": code.split(" {")[0], "cases": cases},
                    "code": code,
                    "description": "for a test",
                    "author": "a test",
                    "uses": [],
                    "capabilities": [],
                },
                "review": {"approved": True, "by": "a test"},
            }
        }
        params = {"folder": str(self.toolbox), "call": call}
        request = json.dumps({"id": 1, "method": "toolbox", "params": params})
        done = subprocess.Popen(
            [HOST, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with done:
            done.stdin.write(request + "\n")
            done.stdin.flush()
            answers = (json.loads(line) for line in done.stdout)
            answer = next(line for line in answers if "done" in line or "failed" in line)
            done.stdin.close()
        self.assertTrue(answer["done"]["value"]["admitted"], answer)

    def test_it_lists_and_calls_tools_and_gets_errors(self):
        for mode in ("auto", "legacy"):
            with self.subTest(mode=mode):
                asyncio.run(self.lists_and_calls(mode))
        lines = (self.toolbox / "audit.jsonl").read_text().splitlines()
        calls = [json.loads(line)["summary"] for line in lines if '"called"' in line]
        self.assertEqual([call.get("output") for call in calls], ['"FizzBuzz"', None, None] * 2)
        self.assertIn("intact", self.run_script(HOST, "toolbox", "verify", self.toolbox, status=0))

    async def lists_and_calls(self, mode):
        async with self.client(mode) as client:
            (tool,) = (await client.list_tools()).tools
            self.assertEqual((tool.name, tool.input_schema["required"]), ("fizzbuzz", ["n"]))
            answer = await client.call_tool("fizzbuzz", {"n": 15})
            self.assertEqual((answer.content[0].text, answer.is_error), ('"FizzBuzz"', False))
            answer = await client.call_tool("fizzbuzz", {"n": -1})
            self.assertTrue(answer.is_error)
            self.assertIn("is not a `u32`", answer.content[0].text)
            with self.assertRaises(MCPError) as refused:
                await client.call_tool("no_such_tool", {})
            self.assertEqual(refused.exception.error.code, -32602)

    def test_it_hears_of_a_new_tool_without_a_restart(self):
        asyncio.run(self.hears("legacy", "one"))
        asyncio.run(self.hears("auto", "three"))

    async def hears(self, mode, name):
        code = f"fn {name}() -> u8 {{ {len(name)} }}"
        cases = [{"name": name, "input": [], "expected": len(name)}]
        told = asyncio.Event()
        async with self.client(mode, told) as client:
            await client.list_tools()
            if mode == "legacy":
                await asyncio.to_thread(self.admit, code, cases)
                await asyncio.wait_for(told.wait(), 60)
            else:
                async with client.listen(tools_list_changed=True) as changes:
                    await asyncio.to_thread(self.admit, code, cases)
                    await asyncio.wait_for(anext(aiter(changes)), 60)
            self.assertIn(name, [tool.name for tool in (await client.list_tools()).tools])
            answer = await client.call_tool(name, {})
            self.assertEqual(answer.content[0].text, str(len(name)))


class WhatNotebook3Made(ScriptTest):
    """Runs its cells, then uses its toolbox in the official client and in the inspector."""

    NOTEBOOK = NOTEBOOKS / "03_toolmaker.ipynb"
    INSPECTOR = re.search(r"@modelcontextprotocol/inspector@[\d.]+", PAGE.read_text()).group()

    def test_an_assistant_uses_its_toolbox(self):
        self.make()
        tools = self.configured_folder()
        server = StdioServerParameters(command=str(HOST), args=["toolbox", "serve", str(tools)])
        sentence = "The crab sees the other crab."
        counts = asyncio.run(self.count(server, sentence))
        # The tool that the notebook's own gate admitted works here.
        self.assertEqual(counts[:2], [6, 4])
        shown = self.run_script(
            *("npx", "--yes", self.INSPECTOR, "--cli", HOST, "toolbox", "serve", tools),
            *("--method", "tools/call", "--tool-name", "count_words"),
            *("--tool-arg", f"text={sentence}"),
            status=0,
        )
        self.assertIn(json.dumps(counts, separators=(",", ":")), shown.replace(" ", ""))
        # Both calls continue the chain of the notebook's own log lines.
        lines = [json.loads(line) for line in (tools / "audit.jsonl").read_text().splitlines()]
        called = [line["summary"] for line in lines if line["event"] == "called"]
        self.assertEqual([call["tool"] for call in called[-2:]], ["count_words"] * 2, called[-2:])
        self.assertIn("intact", self.run_script(HOST, "toolbox", "verify", tools, status=0))

    def make(self):
        """Runs the notebook's cells without a key, until a tool that a model wrote is in its toolbox."""
        notebook = nbformat.read(self.NOTEBOOK, as_version=4)
        client = run.client_of(notebook, NOTEBOOKS)
        manifest, began = self.configured_folder() / "manifest.json", time.time()
        with (
            tempfile.TemporaryFile("w") as log,
            client.setup_kernel(env=run.environment(), stdout=log, stderr=log),
        ):
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    client.execute_cell(cell, place)
                    self.assertEqual(cells.unexpected(cell), [], cell.source)
                    # Not the toolbox of an earlier run.
                    new = manifest.exists() and manifest.stat().st_mtime > began
                    if new and "count_words" in manifest.read_text():
                        return
        self.fail("the notebook made no tool `count_words`")

    def configured_folder(self):
        """Returns the folder that the notebook's last page configures in three lines, in this clone."""
        notebook = nbformat.read(self.NOTEBOOK, as_version=4)
        pages = [cell.source for cell in notebook.cells if '"mcpServers"' in cell.source]
        self.assertEqual(len(pages), 1, "one page of the notebook shows the configuration")
        (lines,) = re.findall(r"^```json\n(.*?)^```$", pages[0], flags=re.MULTILINE | re.DOTALL)
        self.assertEqual(len(lines.splitlines()), 3)
        (server,) = json.loads(lines)["mcpServers"].values()
        clone = "/path/to/clone/"
        self.assertEqual(server["command"], clone + "target/release/code_evolution_host")
        self.assertEqual(server["args"][:2], ["toolbox", "serve"])
        folder = server["args"][2].removeprefix(clone)
        # A participant's copy writes beside itself; the notebook that runs here is in notebooks/.
        self.assertEqual(folder.split("/")[0], "work")
        return NOTEBOOKS / folder.removeprefix("work/")

    async def count(self, server, text):
        async with Client(stdio_client(server)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            self.assertTrue({"add", "multiply", "count_words"} <= set(names), names)
            answer = await client.call_tool("count_words", {"text": text})
            self.assertFalse(answer.is_error, answer)
            return json.loads(answer.content[0].text)
