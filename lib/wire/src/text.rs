//! Shortening texts.

/// Returns a text of at most `limit` characters: the text itself, or its beginning and a `…`.
///
/// ```
/// use code_evolution_wire::text::clip;
/// assert_eq!((clip("abcd", 4), clip("abcde", 4)), ("abcd".to_owned(), "abc…".to_owned()));
/// ```
pub fn clip(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    kept + "…"
}
