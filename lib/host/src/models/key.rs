//! API keys, and how they stay out of everything that is shown or saved.

use std::ops::Range;

/// An API key. It prints as `***`, cannot be serialised, and is read in one place only: where the client
/// makes the authorization header.
#[derive(Clone)]
pub struct Key(String);

/// The text that replaces a key.
const HIDDEN: &str = "***";

impl Key {
    /// Makes a key from an environment variable. Spaces and line ends around it come from pasting and are
    /// removed.
    ///
    /// # Errors
    /// If the key contains a character that no HTTP header may contain. The message does not show the key.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            Err("it is empty")
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(
                "it holds a space or another character that no key has; did you paste more than the key?",
            )
        } else {
            Ok(Key(text.to_owned()))
        }
    }

    /// Returns the key itself.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Hides this key in a text that may come from a server.
    pub fn redact(&self, text: &str) -> String {
        // A key of a few letters (`x`, `ollama`) is not secret, and hiding it would remove ordinary words.
        if self.0.len() < 8 { text.to_owned() } else { text.replace(&self.0, HIDDEN) }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// How common keys begin, and how many characters follow at least.
const SHAPES: [(&str, usize); 10] = [
    ("sk-", 16),
    ("gsk_", 16),
    ("AIza", 30),
    ("xai-", 16),
    ("hf_", 20),
    ("ghp_", 20),
    ("github_pat_", 20),
    ("AKIA", 16),
    ("Bearer ", 16),
    (PRIVATE_KEY, 16),
];

/// The start of the line above a private key of any kind.
const PRIVATE_KEY: &str = "-----BEGIN ";

/// Finds the first part of a text that looks like a secret: its range in bytes.
pub fn find_secret(text: &str) -> Option<Range<usize>> {
    SHAPES.iter().find_map(|shape| find_shape(text, shape))
}

/// Finds the first secret of one shape. It reads each byte only once, because a text may consist of nothing
/// but beginnings of secrets.
fn find_shape(text: &str, &(start, least): &(&str, usize)) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = text[from..].find(start) {
        let at = from + found;
        let tail = &text[at + start.len()..];
        from = at + start.len();
        if start == PRIVATE_KEY {
            let line = tail.lines().next().unwrap_or_default();
            from += line.len();
            if line.contains("PRIVATE KEY") {
                return Some(at..from);
            }
        } else if !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            let in_a_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+/=".contains(byte);
            let length = tail.bytes().take_while(in_a_key).count();
            from += length;
            // `Bearer your-api-key-goes-here` in a code sample has no digit; real keys have digits.
            let mixed = tail[..length].bytes().any(|byte| byte.is_ascii_digit());
            if length >= least && mixed {
                return Some(at..from);
            }
        }
    }
    None
}

/// Hides everything in a text that looks like a secret.
pub fn redact_secrets(text: &str) -> String {
    SHAPES.iter().fold(text.to_owned(), |text, shape| {
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(range) = find_shape(rest, shape) {
            out.push_str(&rest[..range.start]);
            out.push_str(HIDDEN);
            rest = &rest[range.end..];
        }
        out + rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_prints_itself() {
        let key = Key::new(" sk-canary-0123456789\n").unwrap();
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "*** Some(***)");
        assert_eq!(key.redact("wrong key: sk-canary-0123456789!"), "wrong key: ***!");
        assert_eq!(key.expose(), "sk-canary-0123456789");
        assert!(Key::new("a b").is_err() && Key::new(" \n").is_err() && Key::new("é").is_err());
    }

    /// This test takes minutes if the search from each beginning of a secret runs to the end of the text.
    #[test]
    fn a_text_full_of_key_prefixes_is_read_once() {
        for text in ["sk-".repeat(100_000), "-----BEGIN ".repeat(50_000)] {
            assert_eq!(redact_secrets(&text), text);
        }
        let keys = redact_secrets(&"sk-abcdefgh12345678 ".repeat(20_000));
        assert_eq!(keys, "*** ".repeat(20_000));
    }

    #[test]
    fn secrets_are_found_by_their_shape() {
        for secret in [
            "sk-proj-abcdefgh12345678",
            "gsk_abcdefgh1234567890",
            "AIzaSyA1234567890abcdefghijklmnopqrstuvwx",
            "Authorization: Bearer abcdefgh12345678",
            "-----BEGIN RSA PRIVATE KEY-----",
            "task-sk-abcdefgh12345678",
        ] {
            assert!(find_secret(secret).is_some(), "{secret}");
            assert_eq!(find_secret(&redact_secrets(&format!("a {secret} b"))), None, "{secret}");
        }
        for innocent in
            ["risk-based-assessment-2026-plan", "sk-learn", "Bearer your-key-here-please", ""]
        {
            assert_eq!(find_secret(innocent), None, "{innocent}");
        }
    }
}
