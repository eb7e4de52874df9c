//! Reads the items of a list, however a model marks them.
//!
//! Numbers, bullets, quotes and emphasis are removed. Text that is not an item (a sentence before, a heading,
//! a remark beside an item) is returned separately. So a notebook can show the text that was left out.

use code_evolution_wire::reading::List;
use serde_json::Value;

use super::json;

/// Reads the list in a text. If the reply was cut, the last item is dropped, because it may be incomplete.
pub(super) fn read(text: &str, cut: bool) -> List {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    if let Some(list) = json_list(&text) {
        return list;
    }
    let mut list = List::default();
    let lines: Vec<&str> = text.lines().filter(|line| !is_rule(line)).collect();
    let header = header_of_table(&text);
    for (number, line) in lines.iter().enumerate() {
        let last = number + 1 == lines.len();
        if cut && last && !text.ends_with('\n') || header == Some(*line) {
            list.dropped.push(line.trim().to_owned());
        } else {
            read_line(line, &mut list);
        }
    }
    list
}

fn read_line(line: &str, list: &mut List) {
    let line = without_tags(line.trim());
    if line.starts_with('|') && line.ends_with('|') && line.len() > 1 {
        return read_row(line, list);
    }
    let (marked, rest) = unmarked(line);
    let (rest, remark) = without_remark(rest, marked);
    let item = bare(rest);
    let is_heading = line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let alone = !item.contains(char::is_whitespace);
    let several = several(rest);
    if item.is_empty() || is_heading || item.ends_with(':') && !marked {
        list.dropped.push(line.to_owned());
        return;
    }
    if let Some(items) = several.filter(|_| !marked) {
        list.items.extend(items);
    } else if marked || alone && !is_exclamation(item) {
        list.items.push(item.to_owned());
    } else {
        list.dropped.push(line.to_owned());
        return;
    }
    list.dropped.extend(remark.map(str::to_owned));
}

/// Removes the tags of an HTML list.
fn without_tags(line: &str) -> &str {
    const TAGS: [&str; 8] = ["<ul>", "</ul>", "<ol>", "</ol>", "<li>", "</li>", "<br>", "<br/>"];
    let mut line = line;
    loop {
        let tag = |tag: &&str| line.strip_prefix(*tag).or_else(|| line.strip_suffix(*tag));
        match TAGS.iter().find_map(tag) {
            Some(inner) => line = inner.trim(),
            None => return line,
        }
    }
}

/// Reads a row of a table: its first cell that is not a number is the item.
fn read_row(line: &str, list: &mut List) {
    let cells = line.trim_matches('|').split('|').map(str::trim).filter(|cell| !cell.is_empty());
    let is_number = |cell: &&str| cell.chars().all(|c| c.is_ascii_digit() || ".#)".contains(c));
    let mut cells = cells.filter(|cell| !is_number(cell));
    if let Some(item) = cells.next() {
        list.items.push(bare(item).to_owned());
    }
    list.dropped.extend(cells.map(str::to_owned));
}

/// Returns whether a line only divides: a fence, a ruler, the line under a table's head, an empty line.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let fence = line.starts_with("```") || line.starts_with("~~~");
    fence && !line.trim_start_matches(['`', '~']).contains(' ')
        || without_tags(line).chars().all(|c| "-=|:_* ".contains(c))
        || matches!(line, "[" | "]" | "{" | "}")
}

/// Returns the line above the dividing line of a table.
fn header_of_table(text: &str) -> Option<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let divides = |line: &str| line.contains('|') && line.contains("--") && is_rule(line);
    let at = lines.iter().position(|line| divides(line))?;
    lines.get(at.checked_sub(1)?).copied()
}

/// Returns a line without its number or bullet, and whether it had one.
fn unmarked(line: &str) -> (bool, &str) {
    let mut rest = line.trim_start_matches(['>', ' ', '\t']);
    let mut marked = false;
    while let Some(after) = mark(rest) {
        (marked, rest) = (true, after.trim_start());
    }
    // `**1. x**`: the number is inside the emphasis.
    if let Some(inner) = rest.strip_prefix("**")
        && let Some(after) = mark(inner)
    {
        return (true, after.trim_start_matches([' ', '*']).trim_end_matches("**"));
    }
    if let Some(after) = named(rest) {
        return (true, after);
    }
    (marked, rest)
}

/// Returns what follows the number or bullet at the start of a line.
fn mark(line: &str) -> Option<&str> {
    const SPACED: [&str; 9] = ["-", "*", "+", "–", "—", "#", "·", "o", "=>"];
    const FREE: [&str; 14] = ["•", "●", "▪", "◦", "‣", "➤", "→", "✓", "✔", "★", "◆", "■", "☐", "☑"];
    for bullet in FREE {
        if let Some(after) = line.strip_prefix(bullet) {
            return Some(after.trim_start_matches('\u{fe0f}'));
        }
    }
    for bullet in SPACED {
        if let Some(after) =
            line.strip_prefix(bullet).filter(|after| after.starts_with([' ', '\t']))
        {
            let after = after.trim_start();
            let task = ["[ ]", "[x]", "[X]"].iter().find_map(|task| after.strip_prefix(task));
            return Some(task.unwrap_or(after));
        }
    }
    let open = line.starts_with(['(', '[']);
    let inner = &line[usize::from(open)..];
    let digits = inner.len() - inner.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if (1..=3).contains(&digits) {
        let after = &inner[digits..];
        // The digit of an emoji: 1️⃣.
        if let Some(after) = after.strip_prefix("\u{fe0f}\u{20e3}") {
            return Some(after);
        }
        let close = after.chars().next()?;
        let rest = &after[close.len_utf8()..];
        let spaced = rest.starts_with([' ', '\t']);
        return match close {
            ')' | ']' if open => Some(rest),
            '.' | ')' if !open && !rest.starts_with(|c: char| c.is_ascii_digit()) => Some(rest),
            ':' | '-' | '–' if !open && spaced => Some(rest),
            ' ' if !open => {
                rest.trim_start().strip_prefix(['-', '–', ':']).filter(|rest| rest.starts_with(' '))
            }
            _ => None,
        };
    }
    // A letter, or a Roman number.
    let roman = inner.len() - inner.trim_start_matches(['i', 'v', 'x', 'I', 'V', 'X']).len();
    inner.chars().next().filter(char::is_ascii_alphabetic)?;
    let after = &inner[roman.clamp(1, 5)..];
    let after = after.strip_prefix(')').or(if open { None } else { after.strip_prefix('.') })?;
    after.starts_with([' ', '\t']).then_some(after)
}

/// Reads `Password 1: x`, `New password: x`: returns the text after a short name if it is one word.
fn named(line: &str) -> Option<&str> {
    let (name, item) = line.split_once(':')?;
    let name = name.trim().trim_matches('*').trim();
    let item = item.trim().trim_start_matches("**").trim();
    let words = name.split_whitespace().count();
    // `Password`, `#1` and `password-2` are names; `Kettle96#Lamp` is an item.
    let plain = name.split_whitespace().all(|word| {
        let number = word.trim_start_matches(|c: char| c.is_alphabetic() || "_-".contains(c));
        number.trim_start_matches('#').chars().all(|c| c.is_ascii_digit())
    });
    let lettered = name.chars().any(char::is_alphabetic);
    // A word that itself contains a colon has no space after the colon.
    let spaced = line[line.find(':')? + 1..].trim_start_matches('*').starts_with(' ');
    (plain
        && lettered
        && spaced
        && (1..=3).contains(&words)
        && !item.is_empty()
        && !without_remark(item, true).0.contains(' '))
    .then_some(item)
}

/// Splits the remark from a word: `x (sum 15)`, `x – strong`, `x ✅`, and in a line with a mark `x: strong`.
fn without_remark(text: &str, marked: bool) -> (&str, Option<&str>) {
    let Some((word, remark)) = text.trim().split_once(char::is_whitespace) else {
        return (text.trim(), None);
    };
    let remark = remark.trim();
    if let Some(word) = word.strip_suffix(':').filter(|word| marked && word.contains(is_odd)) {
        return (word, Some(remark));
    }
    let is_remark = remark.starts_with('(') && remark.trim_end_matches(['.', ',']).ends_with(')')
        || remark.chars().all(|c| "✅✔✓☑⭐👍\u{fe0f}".contains(c))
        || ["- ", "– ", "— ", "// ", "# ", "<- ", "← ", "-> ", "→ "]
            .iter()
            .any(|mark| remark.starts_with(mark));
    if is_remark { (word, Some(remark)) } else { (text.trim(), None) }
}

/// Removes what surrounds an item: quotes, back-ticks, emphasis, the comma of a list.
fn bare(text: &str) -> &str {
    const PAIRS: [(&str, &str); 10] = [
        ("**", "**"),
        ("__", "__"),
        ("_", "_"),
        ("`", "`"),
        ("\"", "\""),
        ("'", "'"),
        ("“", "”"),
        ("„", "“"),
        ("«", "»"),
        ("‘", "’"),
    ];
    let mut text = text.trim();
    loop {
        let without = text.strip_suffix(',').unwrap_or(text).trim_end();
        let inner = PAIRS.iter().find_map(|(open, close)| {
            let inner = without.strip_prefix(open)?.strip_suffix(close)?;
            (!inner.is_empty()).then_some(inner)
        });
        match inner {
            Some(inner) => text = inner.trim(),
            None => return without,
        }
    }
}

/// Returns the items of a line that lists several, with commas between.
fn several(line: &str) -> Option<Vec<String>> {
    let between = if line.contains("; ") { "; " } else { ", " };
    let parts: Vec<&str> = line.split(between).map(bare).collect();
    let single = |part: &&str| !part.is_empty() && !part.contains(char::is_whitespace);
    // A sentence has commas too, so at least one part must differ from a plain word.
    let odd = |part: &&str| part.contains(is_odd);
    (parts.len() > 1 && parts.iter().all(single) && parts.iter().any(odd))
        .then(|| parts.into_iter().map(str::to_owned).collect())
}

/// Returns whether a plain word never contains this character.
fn is_odd(c: char) -> bool {
    !c.is_alphabetic() && !"'.!?".contains(c)
}

/// Returns whether the text is a sentence of one word: `Sure!`, `Done.`
fn is_exclamation(word: &str) -> bool {
    let letters = word.trim_end_matches(['.', '!', '?', ':', ',']);
    letters.len() < word.len()
        && !letters.is_empty()
        && letters.chars().all(|c| c.is_alphabetic() || c == '\'')
}

/// Reads the list of a reply that is JSON.
fn json_list(text: &str) -> Option<List> {
    let trimmed = text.trim();
    if !trimmed.contains('[') {
        return None;
    }
    let value = json::values(text, &[]).pop()?;
    let list = match &value {
        Value::Array(list) => list.clone(),
        Value::Object(members) => {
            let mut lists = members.values().filter_map(Value::as_array);
            lists.next().filter(|_| lists.next().is_none())?.clone()
        }
        _ => return None,
    };
    let item = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => {
            let mut texts = members.values().filter_map(Value::as_str);
            texts.next().map(str::to_owned)
        }
        _ => None,
    };
    let items: Vec<String> = list.iter().filter_map(item).collect();
    let dropped = list.iter().filter(|value| item(value).is_none()).map(Value::to_string).collect();
    let texts = list.iter().any(|value| value.is_string() || value.is_object());
    (texts && !items.is_empty()).then_some(List { items, dropped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_with_every_mark() {
        for line in [
            "Kettle96#Lamp",
            "- Kettle96#Lamp",
            "* Kettle96#Lamp",
            "+ Kettle96#Lamp",
            "• Kettle96#Lamp",
            "•Kettle96#Lamp",
            "– Kettle96#Lamp",
            "1. Kettle96#Lamp",
            "1.Kettle96#Lamp",
            "12) Kettle96#Lamp",
            "(2) Kettle96#Lamp",
            "[3] Kettle96#Lamp",
            "a) Kettle96#Lamp",
            "(b) Kettle96#Lamp",
            "A. Kettle96#Lamp",
            "1: Kettle96#Lamp",
            "1 - Kettle96#Lamp",
            "**Kettle96#Lamp**",
            "`Kettle96#Lamp`",
            "\"Kettle96#Lamp\",",
            "'Kettle96#Lamp'",
            "“Kettle96#Lamp”",
            "| 5 | Kettle96#Lamp |",
            "|Kettle96#Lamp|",
            "- [ ] Kettle96#Lamp",
            "  - `Kettle96#Lamp`",
            "> Kettle96#Lamp",
            "1. **Kettle96#Lamp**",
            "**1. Kettle96#Lamp**",
            "**1.** Kettle96#Lamp",
            "Password 1: Kettle96#Lamp",
            "New password: `Kettle96#Lamp`",
            "**Password:** Kettle96#Lamp",
            "1️⃣ Kettle96#Lamp",
            "[\"Kettle96#Lamp\"]",
            "{\"passwords\": [\"Kettle96#Lamp\"]}",
            "```\nKettle96#Lamp\n```",
            "```json\n[\"Kettle96#Lamp\"]\n```",
            "Kettle96#Lamp,",
            "iv. Kettle96#Lamp",
            "(ii) Kettle96#Lamp",
            "<li>Kettle96#Lamp</li>",
            "<ul>\n<li>`Kettle96#Lamp`</li>\n</ul>",
        ] {
            let list = read(line, false);
            assert_eq!(list.items, ["Kettle96#Lamp"], "{line}");
            assert!(list.dropped.is_empty(), "{line}: {list:?}");
        }
        for line in [
            "Kettle96#Lamp (sum 15)",
            "2. Kettle96#Lamp – strong",
            "- `Kettle96#Lamp` (15)",
            "1. Kettle96#Lamp: 13 characters",
            "Password: Kettle96#Lamp ✅",
        ] {
            let list = read(line, false);
            assert_eq!(
                (list.items.join(" "), list.dropped.len()),
                ("Kettle96#Lamp".to_owned(), 1),
                "{line}"
            );
        }
    }

    #[test]
    fn prose_is_dropped_and_kept_apart() {
        let list = read(
            "Sure!\n# Passwords\nHere are two passwords:\n\n1. a1\n2. two words\n| Name | Sum |\n|---|---|\n| b2 | 15 |\nc3, d4\n\nAll of them are strong.",
            false,
        );
        assert_eq!(list.items, ["a1", "two words", "b2", "c3", "d4"]);
        assert_eq!(list.dropped.len(), 5, "{list:?}");
        assert_eq!(read("- a1\n- b", true).items, ["a1"]);
        assert_eq!(read("a1; b2; c3", false).items, ["a1", "b2", "c3"]);
        assert!(read("Rule2: two digits", false).items.is_empty());
        for word in ["*Star7", "+5x", "#9a", "3.5x", "#Tag1!"] {
            assert_eq!(read(word, false).items, [word]);
        }
    }
}
