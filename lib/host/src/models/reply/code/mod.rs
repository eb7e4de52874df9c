//! Reads the Rust code in a model's reply.
//!
//! A regular expression over back-ticks returns `///` if a doc comment contains a fence, and all the prose if
//! there is no fence. So three steps are needed. `repair` fixes what models get wrong about fences. A
//! CommonMark parser finds the blocks (`blocks`, beside this module). A scanner that knows comments and
//! strings separates the items (`items`).
//!
//! If several blocks define the function, the last of them counts. The prompt's own code, a stub, and code
//! that the reply shows as wrong never count. An edit is applied to the question's code. Helpers in another
//! block are joined. A note says what was done. Nothing is taken from a block that was cut.
//!
//! | module | subject |
//! |---|---|
//! | `asked` | the code in the question |
//! | `role` | how a block relates to the function |
//! | `label` | what the words before a block say about it |
//! | `loose` | code outside of blocks |
//! | `edit` | SEARCH/REPLACE, diffs, code with gaps |
//! | `join` | helpers from other blocks |
//! | `error` | why there is no code |
//!
//! What it leaves out: parsing Rust. Code that does not compile is the compiler's concern.

mod asked;
mod edit;
mod error;
mod join;
mod label;
mod loose;
mod role;

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::reading::{Code, ReplyText};

pub use error::NoCode;

use super::blocks::{Block, Text, blocks};
use super::items::{self, Item, items};
use super::language::Language;
use super::scan;
use asked::Asked;
use edit::Edit;
use label::{Label, label};
use loose::{bare, in_json};
use role::{Part, Role, describe};

/// Returns the code of a reply that defines `fn function`.
///
/// # Errors
/// [`NoCode`] if nothing defines the function, or if the code is cut.
pub fn extract(reply: &ReplyText, function: &str) -> Result<Code, NoCode> {
    let text = normal(&reply.text);
    let cut = match Ending::of(&reply.finish_reason) {
        Ending::Whole => None,
        Ending::Cut(by) => Some(by),
    };
    let reader = Reader {
        function,
        cut,
        max_tokens: reply.max_tokens,
        asked: Asked::new(&reply.asked, function),
    };
    if text.trim().is_empty() {
        return Err(cut.map_or(NoCode::Empty, |_| reader.cut_short()));
    }
    let code = reader.read(&text)?;
    match edit::has_stray_marks(&code.code) {
        true => Err(reader.broken_edit()),
        false => Ok(code),
    }
}

fn normal(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

fn defines(code: &str, function: &str) -> bool {
    items(code).iter().any(|item| item.is_function(function))
}

/// What is known about the question while its reply is read.
struct Reader<'a> {
    function: &'a str,
    cut: Option<Cut>,
    max_tokens: u32,
    asked: Asked,
}

impl Reader<'_> {
    fn cut_short(&self) -> NoCode {
        NoCode::CutShort { by: self.cut.unwrap_or(Cut::Unknown), max_tokens: self.max_tokens }
    }

    fn broken_edit(&self) -> NoCode {
        let why = "it cannot be read".to_owned();
        NoCode::Edit { function: self.name(), what: "an edit", why }
    }

    fn name(&self) -> String {
        self.function.to_owned()
    }

    fn read(&self, text: &str) -> Result<Code, NoCode> {
        let Text { blocks, words, .. } = blocks(text);
        let parts: Vec<Part> = blocks.into_iter().map(|block| self.classify(block)).collect();
        let fenced = parts.iter().any(|part| !part.block.indented);
        let defines: fn(&Role) -> bool = |role| matches!(role, Role::Defines);
        let last = |role: fn(&Role) -> bool, label: Label| {
            let of = |rust| parts.iter().rposition(|part| part.is(role, label, rust));
            of(true).or_else(|| of(false))
        };
        if let Some(position) = last(defines, Label::Answer) {
            return self.take(&parts, position);
        }
        if let Some(edited) = self.edited(&parts, &words) {
            return edited;
        }
        if let Some(code) = bare(&words).filter(|code| self::defines(code, self.function)) {
            return self.take_bare(&parts, code);
        }
        if let Some(position) = last(defines, Label::Before) {
            return self.take(&parts, position);
        }
        if self.cut.is_some() && (!fenced || parts.last().is_some_and(|last| last.block.open)) {
            return Err(self.cut_short());
        }
        // A reply that leaves the code unchanged is an answer too.
        if let Some(position) = last(|role| matches!(role, Role::Unchanged), Label::Answer) {
            return self.take(&parts, position);
        }
        if let Some(code) = in_json(text, self.function) {
            return Ok(Code { code, note: Some("the code was in JSON".to_owned()) });
        }
        Err(self.nothing(&parts, &words))
    }

    fn classify(&self, mut block: Block) -> Part {
        block.code = tidy(&block.code);
        let label = label(&block.before, &block.code);
        let all = items(&block.code);
        let own: Vec<&Item> = all.iter().filter(|item| item.is_function(self.function)).collect();
        let rust = block.language.is_rust() || block.language == Language::Diff;
        let edit = rust
            .then(|| edit::find(&block.code, block.language == Language::Diff, &self.asked.codes))
            .flatten();
        let role = if let Some(edit) = edit {
            Role::Edit(edit)
        } else if rust && (edit::has_marks(&block.code) || edit::has_stray_marks(&block.code))
            || block.language == Language::Diff
        {
            Role::BrokenEdit
        } else if !own.is_empty() && own.iter().all(|item| item.is_stub()) {
            Role::Stub
        } else if !own.is_empty() && self.asked.holds(&block.code) {
            Role::Unchanged
        } else if !own.is_empty() {
            Role::Defines
        } else if let Some(inside) = scan::inside(&block.code, self.function) {
            Role::Nested(inside)
        } else {
            Role::Other
        };
        Part { block, role, label }
    }

    /// Takes a block unless it was cut.
    fn take(&self, parts: &[Part], position: usize) -> Result<Code, NoCode> {
        let taken = &parts[position].block;
        let last = &parts[parts.len() - 1];
        if self.cut.is_some() && last.block.open {
            let shows_use = position + 1 < parts.len() && self.is_use(last);
            if !shows_use {
                return Err(self.cut_short());
            }
        }
        // If a closed block is wrong, the compiler says how. But if the reply was cut, half a function is
        // never accepted as a whole function.
        if self.cut.is_some() && !taken.open && scan::is_half(&taken.code) {
            return Err(self.cut_short());
        }
        let mut code = taken.code.clone();
        if taken.open {
            code = self.ended(&code)?;
        }
        let mut notes = Vec::new();
        let defining = parts.iter().filter(|part| !matches!(part.role, Role::Other)).count();
        if defining > 1 {
            notes.push(format!("block {} of {} is taken", position + 1, parts.len()));
            let others = parts.iter().enumerate().filter(|(at, _)| *at != position);
            notes.extend(others.filter_map(|(at, part)| {
                describe(part).map(|what| format!("block {} {what}", at + 1))
            }));
        } else if matches!(parts[position].role, Role::Unchanged) {
            notes.push("the reply leaves the code as it was".to_owned());
        }
        Ok(self.finish(&code, parts, Some(position), notes))
    }

    /// Returns whether a block only shows how to use the function.
    fn is_use(&self, part: &Part) -> bool {
        let code = &part.block.code;
        let uses = items::mentioned(code).contains(self.function)
            && !scan::ends_in_definition(code, self.function);
        matches!(part.role, Role::Other) && (uses || !part.block.language.is_rust())
    }

    /// Returns the code of a block without an end, up to its last whole item.
    fn ended(&self, code: &str) -> Result<String, NoCode> {
        let all = items(code);
        let end = all.iter().rposition(|item| item.whole && !item.kind.is_empty());
        let end = end.map_or(0, |end| end + 1);
        let cut = all[end..].iter().any(|item| !item.kind.is_empty());
        let kept: String = all[..end].iter().map(|item| item.text.as_str()).collect();
        if cut || !defines(&kept, self.function) {
            return Err(NoCode::Unfinished { function: self.name() });
        }
        Ok(tidy(&kept))
    }

    fn take_bare(&self, parts: &[Part], code: String) -> Result<Code, NoCode> {
        if self.cut.is_some() {
            return Err(self.cut_short());
        }
        let all = items(&code);
        let own: Vec<&Item> = all.iter().filter(|item| item.is_function(self.function)).collect();
        if own.iter().any(|item| !item.whole) {
            return Err(NoCode::Unfinished { function: self.name() });
        }
        if own.iter().all(|item| item.is_stub()) {
            return Err(NoCode::Stub { function: self.name() });
        }
        let same = self.asked.holds(&code);
        let note = same.then(|| "the reply leaves the code as it was".to_owned());
        Ok(self.finish(&code, parts, None, note.into_iter().collect()))
    }

    /// Applies the edits of a reply, if there are any.
    fn edited(&self, parts: &[Part], words: &str) -> Option<Result<Code, NoCode>> {
        let mut edits = parts.iter().filter_map(|part| match &part.role {
            Role::Edit(edit) if part.label != Label::Wrong => Some(edit.clone()),
            _ => None,
        });
        let in_words = || {
            let hunks = words.lines().any(|line| line.starts_with("@@"));
            let marked = edit::has_marks(words) || hunks;
            marked.then(|| edit::find(words, hunks, &self.asked.codes)).flatten()
        };
        let broken = parts.iter().any(|part| matches!(part.role, Role::BrokenEdit));
        let first = edits.next().or_else(in_words);
        // If the reply was cut, the last of several edits may be missing.
        if self.cut.is_some() && (first.is_some() || broken) {
            return Some(Err(self.cut_short()));
        }
        let Some(first) = first else {
            return broken.then(|| Err(self.broken_edit()));
        };
        Some(self.apply(edits.fold(first, Edit::and), parts))
    }

    fn apply(&self, edit: Edit, parts: &[Part]) -> Result<Code, NoCode> {
        let mut why = "the question holds no such function".to_owned();
        for (at, code) in self.asked.codes.iter().enumerate() {
            match edit.apply(code) {
                Ok(code) if self.is_whole(&code) => {
                    let which =
                        if at == 0 { "" } else { ", not to the first code of the question" };
                    let note = format!(
                        "{} was applied to the code that was asked about{which}",
                        edit.what
                    );
                    return Ok(self.finish(&tidy(&code), parts, None, vec![note]));
                }
                Ok(_) if at == 0 => "the result is not a whole function".clone_into(&mut why),
                Err(error) if at == 0 => why = error,
                _ => {}
            }
        }
        // The new side of the edit may be the whole function.
        let written = edit.written();
        if self.is_whole(&written) {
            let note = format!("{} writes the whole function, which is taken", edit.what);
            return Ok(self.finish(&tidy(&written), parts, None, vec![note]));
        }
        Err(NoCode::Edit { function: self.name(), what: edit.what, why })
    }

    fn is_whole(&self, code: &str) -> bool {
        let all = items(code);
        all.iter().all(|item| item.whole && !item.kind.is_empty())
            && all.iter().any(|item| item.is_function(self.function) && !item.is_stub())
    }

    /// Adds the helpers that the code needs, and keeps one definition of the function.
    fn finish(
        &self,
        code: &str,
        parts: &[Part],
        position: Option<usize>,
        mut notes: Vec<String>,
    ) -> Code {
        let (code, dropped) = self.once(code);
        if dropped {
            notes.push(format!("the last of several `fn {}` in it is taken", self.function));
        }
        let beside = parts.iter().enumerate().filter(|(at, part)| {
            Some(*at) != position
                && part.label == Label::Answer
                && matches!(part.role, Role::Other)
                && part.block.language.is_rust()
                && !part.block.indented
        });
        let beside: Vec<Vec<Item>> = beside.map(|(_, part)| items(&part.block.code)).collect();
        let (code, joined) = join::join(&code, &beside);
        if !joined.is_empty() {
            notes.push(format!("joined with {} of another block", joined.join(", ")));
        }
        let asked: Vec<Vec<Item>> = self
            .asked
            .codes
            .iter()
            .take(1)
            .map(|code| {
                let mut items = items(code);
                items.retain(|item| !item.is_function(self.function));
                items
            })
            .collect();
        let (code, joined) = join::join(&code, &asked);
        if !joined.is_empty() {
            notes.push(format!(
                "joined with {} of the code that was asked about",
                joined.join(", ")
            ));
        }
        Code { code: tidy(&code), note: (!notes.is_empty()).then(|| notes.join("; ")) }
    }

    /// Returns the code with one definition of the function: the last that is not a stub.
    fn once(&self, code: &str) -> (String, bool) {
        let all = items(code);
        let own = |item: &Item| item.is_function(self.function);
        if all.iter().filter(|item| own(item)).count() < 2 {
            return (code.to_owned(), false);
        }
        let kept = all.iter().rposition(|item| own(item) && !item.is_stub());
        let parts = all.iter().enumerate().filter(|(at, item)| !own(item) || Some(*at) == kept);
        (parts.map(|(_, item)| item.text.as_str()).collect(), true)
    }

    /// Explains why there is no code.
    fn nothing(&self, parts: &[Part], words: &str) -> NoCode {
        let function = self.name();
        let shown = |part: &Part| {
            matches!(part.role, Role::Defines | Role::Unchanged) && part.label != Label::Answer
        };
        if parts.iter().any(shown) {
            return NoCode::NotMeant { function };
        }
        if parts.iter().any(|part| matches!(part.role, Role::Stub)) {
            return NoCode::Stub { function };
        }
        let nested = parts.iter().find_map(|part| match &part.role {
            Role::Nested(inside) => Some(inside.clone()),
            _ => None,
        });
        let nested = nested.or_else(|| bare(words).and_then(|code| scan::inside(&code, &function)));
        if let Some(inside) = nested {
            return NoCode::Nested { function, inside };
        }
        if parts.iter().all(|part| part.block.indented) {
            return NoCode::NoBlock { function };
        }
        let found = parts.iter().flat_map(|part| scan::functions(&part.block.code)).collect();
        NoCode::NoFunction { function, found }
    }
}

/// Removes empty lines at both ends.
fn tidy(code: &str) -> String {
    code.trim_matches('\n').trim_end().to_owned()
}

#[cfg(test)]
mod tests;
