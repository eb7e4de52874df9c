"""Tests of what binder/ holds: `binder/test` runs them with Python's own unittest."""
