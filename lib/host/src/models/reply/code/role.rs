//! What each block of a reply is to the function that is wanted.

use super::edit::Edit;
use super::label::Label;
use crate::models::reply::blocks::Block;

/// What a block is to the function.
pub(super) enum Role {
    Edit(Edit),
    /// It looks like an edit, and cannot be read as one.
    BrokenEdit,
    /// It defines the function.
    Defines,
    /// It repeats the code that was asked about.
    Own,
    /// The function in it has no body.
    Stub,
    /// The function stands inside this.
    Nested(String),
    /// Something else, maybe with helpers.
    Other,
}

/// A block with what it is to the function.
pub(super) struct Judged {
    pub(super) block: Block,
    pub(super) role: Role,
    pub(super) label: Label,
}

impl Judged {
    /// Whether it is one of these.
    pub(super) fn is(&self, wanted: fn(&Role) -> bool, label: Label, rust: bool) -> bool {
        wanted(&self.role) && self.label == label && self.block.language.is_rust() == rust
    }
}

/// What a block that was not taken is.
pub(super) fn describe(judged: &Judged) -> Option<&'static str> {
    Some(match (&judged.role, judged.label) {
        (Role::Other, _) => return None,
        (Role::Own, _) => "is the code that was asked about",
        (_, Label::Wrong) => "is shown as wrong",
        (_, Label::Before) => "is shown as it was before",
        (Role::Stub, _) => "is a stub",
        (Role::Edit(_) | Role::BrokenEdit, _) => "is an edit",
        (Role::Nested(_), _) => "has it inside something else",
        (Role::Defines, _) => "is another version",
    })
}
