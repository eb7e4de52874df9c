"""`python -m checks` prints the paths of all notebooks, a line each."""

from checks import notebooks

print("\n".join(map(str, notebooks())))
