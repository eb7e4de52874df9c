"""Sorts what Tab offers: first the methods that ask and judge, last the fields and common methods."""

FIRST = ("ask", "judge")
# Methods that nearly every type has, and that a participant rarely looks for.
OF_EVERYTHING = {
    *("as_mut", "as_ref", "borrow", "borrow_mut", "clone", "clone_from", "clone_into", "cmp", "eq"),
    *("evcxr_display", "fmt", "ge", "gt", "into", "le", "lt", "ne", "partial_cmp", "to_owned"),
    *("try_into", "type_id"),
}


def ordered(content):
    """Returns the content of a completion's reply in that order.

    rust-analyzer puts fields first, also private ones. A field with a method of the same name is left out.
    """
    matches = content.get("matches", [])
    types = content.get("metadata", {}).get("_jupyter_types_experimental", [])
    if not types or len(types) != len(matches):
        return content
    methods = {name_of(t) for t in types if t.get("type") == "function"}
    pairs = [
        (match, t)
        for match, t in zip(matches, types, strict=True)
        if t.get("type") != "instance" or name_of(t) not in methods
    ]
    pairs.sort(key=lambda pair: rank(pair[1]))
    shown = {"_jupyter_types_experimental": [t for _, t in pairs]}
    return content | {"matches": [match for match, _ in pairs], "metadata": shown}


def rank(offered):
    name = name_of(offered)
    if name in OF_EVERYTHING:
        return 3
    if offered.get("type") == "instance":
        return 2
    return 0 if name.startswith(FIRST) else 1


def name_of(offered):
    return offered.get("text", "").partition("(")[0]
