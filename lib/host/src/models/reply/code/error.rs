//! Why a reply holds no usable code.

use code_evolution_wire::ending::Cut;

/// Why a reply contains no usable code. The words are for a person and for the model that is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoCode {
    /// The reply was cut, inside or before the code.
    CutShort {
        /// What cut the reply.
        by: Cut,
        /// The limit of the reply's tokens; 0 if unknown.
        max_tokens: u32,
    },
    /// The reply ends in the middle of the code, although the model says that it is complete.
    Unfinished {
        /// The function that was wanted.
        function: String,
    },
    /// The reply has no text.
    Empty,
    /// The reply contains no code at all.
    NoBlock {
        /// The function that was wanted.
        function: String,
    },
    /// There is code, but none of it defines the function.
    NoFunction {
        /// The function that was wanted.
        function: String,
        /// The functions that the blocks define.
        found: Vec<String>,
    },
    /// The function is inside another item, where nobody can call it.
    Nested {
        /// The function that was wanted.
        function: String,
        /// The item around the function: `impl Solution`.
        inside: String,
    },
    /// The function has no real body.
    Stub {
        /// The function that was wanted.
        function: String,
    },
    /// The reply shows the function only as it was, or as it should not be.
    NotMeant {
        /// The function that was wanted.
        function: String,
    },
    /// An edit that does not fit the question's code.
    Edit {
        /// The function that was wanted.
        function: String,
        /// The kind of edit.
        what: &'static str,
        /// Why the edit does not fit.
        why: String,
    },
}

impl std::fmt::Display for NoCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoCode::CutShort { by: Cut::Limit, max_tokens: 0 } => f.write_str(
                "the reply was cut at its limit before the code ended: raise max_tokens, or ask for the code only",
            ),
            NoCode::CutShort { by: Cut::Limit, max_tokens } => write!(
                f,
                "the reply was cut at its limit of {max_tokens} tokens before the code ended: raise max_tokens, `.max_tokens({})`, or ask for the code only",
                max_tokens.saturating_mul(2),
            ),
            NoCode::CutShort { by, .. } => {
                write!(f, "the reply was cut {by} before the code ended: ask again")
            }
            NoCode::Unfinished { function } => write!(
                f,
                "the reply ends in the middle of `fn {function}`: answer with the complete function",
            ),
            NoCode::Empty => f.write_str("the reply has no text: ask again"),
            NoCode::NoBlock { function } => write!(
                f,
                "the reply holds no code block, and `fn {function}` is not in its text: ask again, and ask for one ```rust block",
            ),
            NoCode::NoFunction { function, found } if found.is_empty() => write!(
                f,
                "no code block of the reply defines `fn {function}`: answer with the complete function, under this name, in one ```rust block",
            ),
            NoCode::NoFunction { function, found } => write!(
                f,
                "no code block of the reply defines `fn {function}` (they define {}): answer with the complete function under this name",
                found.join(", "),
            ),
            NoCode::Nested { function, inside } => write!(
                f,
                "`fn {function}` stands inside `{inside}`, where it cannot be called: write it outside, as a separate function",
            ),
            NoCode::Stub { function } => write!(
                f,
                "`fn {function}` is only a stub without a body: answer with the complete function",
            ),
            NoCode::NotMeant { function } => write!(
                f,
                "the reply shows `fn {function}` only as it was or as it should not be: answer with the new function in one ```rust block",
            ),
            NoCode::Edit { function, what, why } => write!(
                f,
                "the reply is {what} that does not fit the code that was asked about ({why}): answer with the complete `fn {function}` instead of an edit",
            ),
        }
    }
}

impl std::error::Error for NoCode {}
