//! A strict reader of the panels' HTML: everything unknown is a failure.

/// Elements that a panel may contain. None of them is active.
const ELEMENTS: [&str; 20] = [
    "br",
    "del",
    "details",
    "div",
    "em",
    "figcaption",
    "figure",
    "img",
    "ins",
    "p",
    "pre",
    "strong",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "wbr",
];

/// Attributes with their allowed values.
fn allowed(attribute: &str, value: &str) -> bool {
    match attribute {
        "class" => value == "mathjax_ignore tex2jax_ignore",
        "style" => !value.contains("url") && !value.contains("expression"),
        "width" => value.bytes().all(|byte| byte.is_ascii_digit()),
        "alt" => true,
        "src" => value.strip_prefix("data:image/svg+xml;base64,").is_some_and(|data| {
            data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
        }),
        _ => false,
    }
}

/// Checks a panel's HTML for an unknown element or attribute, an unescaped character, or elements that do
/// not close.
pub fn check(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((text, tag_on)) = rest.split_once('<') {
        check_text(text)?;
        let (tag, after) = tag_on.split_once('>').ok_or("a tag that does not end")?;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else {
            let name = tag.split(' ').next().unwrap_or_default();
            if !ELEMENTS.contains(&name) {
                return Err(format!("unknown element <{tag}>"));
            }
            check_attributes(&tag[name.len()..])?;
            if !["br", "img", "wbr"].contains(&name) {
                open.push(name);
            }
        }
        rest = after;
    }
    check_text(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

fn check_attributes(attributes: &str) -> Result<(), String> {
    let mut rest = attributes;
    while !rest.is_empty() {
        let broken = || format!("broken attributes {attributes:?}");
        let (name, value_on) = rest.split_once("=\"").ok_or_else(broken)?;
        let (value, after) = value_on.split_once('"').ok_or_else(broken)?;
        check_text(value)?;
        let name = name.strip_prefix(' ').ok_or_else(broken)?;
        if !allowed(name, value) {
            return Err(format!("attribute {name}={value:?}"));
        }
        rest = after;
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), String> {
    if let Some(c) = text.chars().find(|c| matches!(c, '<' | '>' | '"' | '\'')) {
        return Err(format!("{c} in the text {text:?}"));
    }
    let entities = ["amp;", "lt;", "gt;", "quot;", "nbsp;", "#39;", "#95;"];
    for entity in text.split('&').skip(1) {
        if !entities.iter().any(|known| entity.starts_with(known)) {
            return Err(format!("a bare & in {text:?}"));
        }
    }
    Ok(())
}

#[test]
fn the_reader_refuses_active_html() {
    let refused = [
        "<script>alert(1)</script>",
        "<p onclick=\"x\">a</p>",
        "<img src=\"https://example.org\">",
        "<p>a",
        "a</p>",
        "a > b",
        "&bogus;",
        "<p>it's</p>",
    ];
    for html in refused {
        assert!(check(html).is_err(), "{html}");
    }
    assert_eq!(check("<p class=\"mathjax_ignore tex2jax_ignore\">a &lt; b</p>"), Ok(()));
}
