"""Stands between Jupyter and one kernel. `binder/kernel` starts it.

| module | what |
|---|---|
| `relay` | passes messages on, and changes some of them |
| `advice` | puts the kernel's errors into words that say what to do |
| `completion` | sorts what Tab offers |
| `messages` | reads, writes and signs Jupyter's messages |
| `watch` | ends what a kernel leaves running, and removes its folder |

evcxr_jupyter 0.22 has faults that hurt a beginner, and cannot be configured. An interrupt hangs it while a
question is open, costs all variables while it is idle, and makes every later cell fail during *Run All*. It
shows HTML only when a cell ends. Its errors speak of subprocesses and lifetimes. It ends when a client
disconnects from its control channel before it has answered. The relay repairs all of these in the messages,
so the repairs hold in JupyterLab, in VS Code and in `binder/run`.

What it leaves out: it never reads or keeps an answer that a participant types, and it knows nothing about
notebooks, only the cells that it passes on.
"""
