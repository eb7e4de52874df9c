//! Reads the tag after an opening fence.

/// The language that a block's tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Untagged,
    Diff,
    Markdown,
    Other,
}

impl Language {
    pub(super) fn of(info: &str) -> Self {
        match first_word(info).as_str() {
            "rust" | "rs" => Language::Rust,
            "" => Language::Untagged,
            "diff" | "patch" | "udiff" => Language::Diff,
            "markdown" | "md" => Language::Markdown,
            _ => Language::Other,
        }
    }

    /// Returns whether an info string is a tag, not prose after a fence.
    pub(super) fn is_named(info: &str) -> bool {
        const NAMES: [&str; 30] = [
            "rust",
            "rs",
            "diff",
            "patch",
            "markdown",
            "md",
            "text",
            "txt",
            "plaintext",
            "plain",
            "json",
            "toml",
            "yaml",
            "bash",
            "sh",
            "shell",
            "console",
            "python",
            "py",
            "c",
            "cpp",
            "java",
            "javascript",
            "js",
            "typescript",
            "ts",
            "html",
            "xml",
            "output",
            "go",
        ];
        NAMES.contains(&first_word(info).as_str()) && !info.trim().contains(". ")
    }

    pub(super) fn is_rust(self) -> bool {
        matches!(self, Language::Rust | Language::Untagged)
    }
}

fn first_word(info: &str) -> String {
    let info = info.trim_matches(|c: char| "{}. \t".contains(c));
    let word = info.split(|c: char| !c.is_alphanumeric() && c != '+' && c != '#').next();
    word.unwrap_or_default().to_lowercase()
}

/// Returns whether a tag is for data or text, or missing.
pub(super) fn is_data(info: &str) -> bool {
    let words =
        ["", "json", "jsonc", "json5", "jsonl", "text", "txt", "plaintext", "plain", "output"];
    words.contains(&first_word(info).as_str())
}

/// Returns whether a tag is for words.
pub(super) fn is_words(info: &str) -> bool {
    matches!(first_word(info).as_str(), "prompt" | "system" | "markdown" | "md")
}
