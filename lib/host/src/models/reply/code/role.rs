//! Decides how each block of a reply relates to the wanted function.

use super::edit::Edit;
use super::label::Label;
use crate::models::reply::blocks::Block;

/// How a block relates to the function.
pub(super) enum Role {
    Edit(Edit),
    /// The block looks like an edit but cannot be read as an edit.
    BrokenEdit,
    /// The block defines the function.
    Defines,
    /// The block repeats the question's code.
    Unchanged,
    /// The block has the function without a real body.
    Stub,
    /// The function is inside this item.
    Nested(String),
    /// Any other code, maybe helpers.
    Other,
}

/// A part of a reply: a block, and what it is.
pub(super) struct Part {
    pub(super) block: Block,
    pub(super) role: Role,
    pub(super) label: Label,
}

impl Part {
    /// Returns whether the block has this role, label and language.
    pub(super) fn is(&self, wanted: fn(&Role) -> bool, label: Label, rust: bool) -> bool {
        wanted(&self.role) && self.label == label && self.block.language.is_rust() == rust
    }
}

/// Describes a block that was not used.
pub(super) fn describe(part: &Part) -> Option<&'static str> {
    Some(match (&part.role, part.label) {
        (Role::Other, _) => return None,
        (Role::Unchanged, _) => "is the code that was asked about",
        (_, Label::Wrong) => "is shown as wrong",
        (_, Label::Before) => "is shown as it was before",
        (Role::Stub, _) => "is a stub",
        (Role::Edit(_) | Role::BrokenEdit, _) => "is an edit",
        (Role::Nested(_), _) => "has it inside something else",
        (Role::Defines, _) => "is another version",
    })
}
