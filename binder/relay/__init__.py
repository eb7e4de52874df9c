"""Stands between Jupyter and one kernel, and sees to both ends: started by `binder/kernel`.

| module | what |
|---|---|
| `relay` | passes messages on; what it changes on the way |
| `advice` | the kernel's errors in words that say what to do |
| `completion` | what Tab offers, in an order that helps |
| `messages` | Jupyter's messages: taken apart, put together, signed |
| `watch` | ends what a kernel leaves running, and removes its folder |

evcxr_jupyter 0.22 has edges that hurt a beginner, and cannot be configured: an interrupt while a question is
open hangs it, one while it is idle costs all variables, one during *Run All* lets every later cell fail. It
shows HTML only when a cell ends, its errors speak of subprocesses and lifetimes, and it ends when a client
hangs up on its control channel before it has answered. All of these are repaired here, in the messages, so
that they hold in JupyterLab, in VS Code and in `binder/run` alike.

What it leaves out: it never reads or keeps an answer that a participant types, and it knows nothing of
notebooks, only of the cells that it passes on.
"""
