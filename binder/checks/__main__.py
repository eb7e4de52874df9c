"""`python -m checks` prints the paths of all notebooks, one per line."""

from checks import notebooks

print("\n".join(map(str, notebooks())))
