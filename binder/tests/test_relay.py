"""Tests the relay: what it says about errors, and how it keeps a kernel alive."""

import json
import queue
import unittest

from relay.advice import Error, Kernel, advised
from relay.completion import ordered
from relay.messages import DELIMITER, Codec

from .support import SETUP_CELL
from .test_kernel import WithKernels

RUN_ABOVE = "Run > Run All Above Selected Cell"
SET_UP = Kernel(is_set_up=True)


def error(words):
    return Error(words, (f"at line 1: {words}",))


def words(errors, kernel=SET_UP):
    """Returns the line that a participant reads first."""
    return advised([error(each) for each in errors], kernel)[0].lines[0]


class Advice(unittest.TestCase):
    def test_an_error_that_says_enough_stays_as_it_is(self):
        errors = [error("mismatched types"), error("use of moved value: `v`")]
        self.assertEqual(advised(errors, SET_UP), errors)
        self.assertEqual(advised([], SET_UP), [])

    def test_an_interrupt_and_a_full_memory_are_told_apart(self):
        killed = "Subprocess terminated with status: signal: 9 (SIGKILL)"
        interrupted = words([killed], Kernel(is_set_up=True, was_interrupted=True))
        self.assertRegex(interrupted, "^Interrupted: .* variables .* gone")
        self.assertRegex(words([killed]), "memory")
        aborted = words(["Subprocess terminated with status: signal: 6 (SIGABRT)"])
        self.assertRegex(aborted, r"ended by itself \(signal: 6 \(SIGABRT\)\)")
        for kernel in (SET_UP, Kernel(was_interrupted=True)):
            shown = advised([error(killed)], kernel)
            self.assertEqual(len(shown), 1)
            self.assertIn(RUN_ABOVE, shown[0].words)
            self.assertNotIn("ubprocess", shown[0].words)

    def test_what_the_process_said_last_is_kept(self):
        shown = advised([error("oh no\nSubprocess terminated with status: exit status: 3")], SET_UP)
        self.assertTrue(shown[0].words.startswith("oh no\n"), shown)

    def test_a_forgotten_setup_cell_is_one_line(self):
        eleven = [f"cannot find value `{name}` in this scope" for name in "abcdefgh"]
        eleven += ["failed to resolve: use of unresolved module or unlinked crate `lab`"]
        eleven += ["unresolved import `code_evolution`", "type annotations needed"]
        shown = advised([error(each) for each in eleven], Kernel())
        self.assertEqual(len(shown), 1)
        self.assertRegex(
            shown[0].words, "^The setup cell has not run .*`a`, `b`, `c`, `d` and 6 more"
        )
        self.assertIn(RUN_ABOVE, shown[0].words)
        after = words(eleven, Kernel(has_lost=True))
        self.assertRegex(after, "lost its variables")

    def test_errors_of_another_kind_are_not_hidden(self):
        mixed = ["cannot find value `a` in this scope"] * 3 + ["mismatched types"]
        shown = advised([error(each) for each in mixed], Kernel())
        self.assertEqual([e.words for e in shown[1:]], ["mismatched types"])
        one = advised([error("cannot find value `a` in this scope")], Kernel())
        self.assertIn("at line 1: cannot find value `a` in this scope", one[0].lines)

    def test_a_name_that_is_missing_later(self):
        missing = ["cannot find value `verdict` in this scope"]
        self.assertRegex(words(missing), rf"`verdict`.*{RUN_ABOVE}.*spelt")
        self.assertRegex(words(missing, Kernel(is_set_up=True, has_lost=True)), "were lost")

    def test_a_reference_gets_the_advice_to_clone(self):
        for said in (
            "The variable `x` contains a reference with a non-static lifetime so\ncan't be persisted.",
            "The variable `x` has type `&Vec<String>` which cannot be persisted.",
            "`x` does not live long enough",
            "closure may outlive the current function, but it borrows `x`, which is owned by ..",
        ):
            self.assertRegex(words([said]), r"`x`.*\.clone\(\)", said)


class Completion(unittest.TestCase):
    def test_methods_that_ask_come_first_and_fields_late(self):
        offered = [
            "host=",
            "status=",
            "passed=",
            "into()",
            "llm()",
            "judge(…)",
            "ask(…)",
            "status()",
        ]
        types = [
            {"text": text.rstrip("="), "type": "instance" if text[-1] == "=" else "function"}
            for text in offered
        ]
        content = {"status": "ok", "matches": [t["text"] for t in types], "cursor_start": 4}
        shown = ordered(content | {"metadata": {"_jupyter_types_experimental": types}})
        names = ["judge(…)", "ask(…)", "llm()", "status()", "host", "passed", "into()"]
        self.assertEqual(shown["matches"], names)
        types = shown["metadata"]["_jupyter_types_experimental"]
        self.assertEqual([t["text"] for t in types], names)
        self.assertEqual(shown["cursor_start"], 4)

    def test_unknown_content_stays_unchanged(self):
        for content in ({"status": "error"}, {"matches": ["a", "b"], "metadata": {}}):
            self.assertEqual(ordered(content), content)


class Messages(unittest.TestCase):
    def test_only_well_signed_messages_can_be_read(self):
        desk = Codec("key")
        frames = desk.signed({"msg_id": "1", "msg_type": "a"}, {}, {"x": "é"})
        message = desk.read([b"to", *frames])
        self.assertEqual((message.to, message.kind, message.content), ([b"to"], "a", {"x": "é"}))
        self.assertIsNone(Codec("another").read(frames))
        for broken in ([], [b""], frames[1:], frames[:4], [DELIMITER, b"", b"{", b"", b"", b""]):
            self.assertIsNone(desk.read(broken), broken)
        self.assertIsNone(desk.read([*frames[:-1], json.dumps({"x": "e"}).encode()]))

    def test_a_changed_message_keeps_its_addressee(self):
        desk = Codec("")
        asked = desk.read([b"to", *desk.signed({"msg_id": "1", "session": "s"}, {}, {})])
        answer = desk.read(desk.answer(asked, "execute_reply", {"status": "aborted"}))
        self.assertEqual((answer.to, answer.parent_id), ([b"to"], "1"))
        changed = desk.read(desk.changed(answer, {"data": 1}, "display_data"))
        self.assertEqual((changed.kind, changed.content), ("display_data", {"data": 1}))
        self.assertEqual((changed.to, changed.parent_id), ([b"to"], "1"))


# Does what the crate evcxr_input does.
ASKS = """
println!("EVCXR_INPUT_REQUEST:well?");
let mut answer = String::new();
std::io::stdin().read_line(&mut answer)?;
println!("said {}", answer.trim());
"""


class AliveKernel(WithKernels):
    """Tests the relay with a real kernel."""

    def reply(self, kernel, sent):
        """Returns the status with which a cell ended."""
        while True:
            message = kernel.client.get_shell_msg(timeout=120)
            if message["parent_header"].get("msg_id") == sent:
                return message["content"]["status"]

    def shown(self, kernel, sent):
        """Returns what a cell showed until it ended, as (type, content)."""
        found = []
        while True:
            message = kernel.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["content"].get("execution_state") == "idle":
                return found
            found.append((message["msg_type"], message["content"]))

    def errors(self, kernel, sent):
        return [c["evalue"] for kind, c in self.shown(kernel, sent) if kind == "error"]

    def interrupt(self, kernel):
        request = kernel.client.session.msg("interrupt_request", {})
        kernel.client.control_channel.send(request)
        reply = kernel.client.get_control_msg(timeout=60)
        self.assertEqual(reply["content"], {"status": "ok"})

    def started(self, kernel, sent):
        """Waits until a cell prints."""
        while True:
            message = kernel.client.get_iopub_msg(timeout=120)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == sent:
                return

    def test_an_interrupt_withdraws_an_open_question(self):
        kernel = self.start()
        kernel.run(SETUP_CELL)
        sent = kernel.client.execute(ASKS, allow_stdin=True)
        asked = kernel.client.get_stdin_msg(timeout=120)
        self.assertEqual(asked["content"]["prompt"], "well?")
        self.interrupt(kernel)
        self.assertEqual(self.reply(kernel, sent), "error")
        [told] = self.errors(kernel, sent)
        self.assertRegex(told, f"(?s)^Interrupted: .*{RUN_ABOVE}")
        # A field can be left over in the browser: its answer must not go to the next question.
        kernel.client.input("y, to a question of old")
        sent = kernel.client.execute(ASKS, allow_stdin=True)
        kernel.client.get_stdin_msg(timeout=120)
        kernel.client.input("new")
        self.assertEqual(self.reply(kernel, sent), "ok")
        self.assertIn("said new", str(self.shown(kernel, sent)))

    def test_an_interrupt_of_an_idle_kernel_costs_nothing(self):
        kernel = self.start()
        kernel.run("let kept = vec![42];")
        self.interrupt(kernel)
        self.assertEqual(kernel.run('println!("{kept:?}");').strip(), "[42]")

    def test_an_interrupt_ends_run_all(self):
        kernel = self.start()
        kernel.run(SETUP_CELL + "\nlet kept = 1;")
        running = kernel.client.execute('println!("here"); loop {}')
        waiting = [kernel.client.execute(f'println!("cell {n}");') for n in range(3)]
        self.started(kernel, running)
        self.interrupt(kernel)
        replies = {sent: self.reply(kernel, sent) for sent in waiting}
        self.assertEqual(set(replies.values()), {"aborted"})
        self.assertEqual(self.reply(kernel, running), "error")
        sent = kernel.client.execute("kept + missing + lost")
        [told] = self.errors(kernel, sent)
        self.assertRegex(told, f"lost its variables.*`kept`.*{RUN_ABOVE}")

    def test_a_panel_is_shown_while_its_cell_runs(self):
        kernel = self.start()
        cell = (
            'let secret = std::env::var("CODE_EVOLUTION_SHOW").unwrap();\n'
            'println!("before");\n'
            'println!(r#"{secret}{{"text/html":"<b>now</b>","text/plain":"now"}}"#);\n'
            'println!("after"); println!("no {secret}");'
        )
        shown = self.shown(kernel, kernel.client.execute(cell))
        kinds = [kind for kind, _ in shown if kind in ("stream", "display_data")]
        self.assertEqual(kinds, ["stream", "display_data", "stream", "stream"])
        panel = next(content for kind, content in shown if kind == "display_data")
        self.assertEqual(panel["data"], {"text/html": "<b>now</b>", "text/plain": "now"})

    def test_a_message_with_another_key_is_dropped(self):
        kernel = self.start()
        session, kept = kernel.client.session, kernel.client.session.key
        session.key = b"another"
        forged = kernel.client.execute('println!("stolen");')
        session.key = kept
        self.assertEqual(kernel.run('println!("{}", 6 * 7);').strip(), "42")
        with self.assertRaises(queue.Empty):
            while message := kernel.client.get_shell_msg(timeout=1):
                self.assertNotEqual(message["parent_header"].get("msg_id"), forged)
