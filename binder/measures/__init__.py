"""Measures what a notebook, a participant and several workers cost: `binder/bench`, `binder/run --room`."""
