//! Who gave the replies behind a figure.
//!
//! A screenshot of a curve outlives the notebook's text, so the figure itself says whether the replies came
//! from a model, a recording or a script. Every [`Reply`](crate::llm::Reply) has a [`Stamp`]. Stamps add
//! up, and a figure shows the sum for all its replies:
//!
//! ```ignore
//! let by: Stamp = family.iter().map(|candidate| &candidate.stamp).sum();
//! FitnessCurve::new("Best score").series_by(&by, "evolution", &best)
//! ```
//!
//! A figure without a stamp, in a cell that asked, takes the stamp of all replies of that cell
//! ([`Lab::stamp`](crate::lab::Lab::stamp)), so it cannot be forgotten. Use `.measured()` for a figure in
//! such a cell that uses no reply.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use code_evolution_wire::model::{Answer, Fit, Mode};

use crate::inert;

/// Who answered, and how often. An empty stamp means that nobody was asked.
///
/// ```
/// use code_evolution::stamp::Stamp;
/// assert_eq!(Stamp::default().to_string(), "");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// In the order of their first reply.
    sources: Vec<Source>,
}

/// One source of answers, and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    mode: Mode,
    model: String,
    date: Option<String>,
    replies: u64,
    /// How many of these replies were only the nearest that a cassette had.
    nearest: u64,
    /// Questions that a cassette had no reply for; they are not counted as replies.
    without: u64,
}

impl Stamp {
    /// Returns the stamp of one answer.
    pub(crate) fn of(answer: &Answer) -> Self {
        let counted = |holds: bool| u64::from(holds);
        let source = Source {
            mode: if answer.mode == Mode::Record { Mode::Live } else { answer.mode },
            model: answer.model.clone(),
            date: answer.date.clone(),
            replies: counted(answer.is_answer()),
            nearest: counted(answer.fit == Fit::Nearest),
            without: counted(!answer.is_answer()),
        };
        Stamp { sources: vec![source] }
    }

    /// Returns whether nobody was asked.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns how many replies there were.
    pub fn replies(&self) -> u64 {
        self.sources.iter().map(|source| source.replies).sum()
    }

    /// Returns how many questions got no reply.
    pub fn unanswered(&self) -> u64 {
        self.sources.iter().map(|source| source.without).sum()
    }

    /// Names who answered in a word or two, for the name of a line: `script`, `gpt-6-luna`,
    /// `script and gpt-6-luna`; `no reply` if nobody did.
    pub fn who(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for source in self.sources.iter().filter(|source| source.replies > 0) {
            let name = source.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names[..] {
            [] if self.is_empty() => String::new(),
            [] => "no reply".to_owned(),
            _ => inert::line(&names.join(" and ")),
        }
    }

    /// Returns whether only a script, written by hand, answered.
    pub fn is_scripted(&self) -> bool {
        self.replies() > 0
            && self.sources.iter().all(|source| source.replies == 0 || source.is_script())
    }

    /// Adds who answered to a name, in brackets, for a line of a figure: `repair loop (script)`.
    pub(crate) fn names(&self, name: &str) -> String {
        if self.is_empty() { name.to_owned() } else { format!("{name} ({})", self.who()) }
    }
}

impl Source {
    fn is_script(&self) -> bool {
        self.mode == Mode::Scripted
    }

    fn name(&self) -> &str {
        match self.mode {
            Mode::Scripted => "script",
            Mode::Pasted => "pasted",
            _ => &self.model,
        }
    }

    /// Returns a title such as `live · gpt-6-luna, 2026-11-27`.
    fn title(&self) -> String {
        let dated = || match &self.date {
            Some(date) => format!("{}, {date}", self.model),
            None => self.model.clone(),
        };
        match self.mode {
            Mode::Scripted => "scripted".to_owned(),
            Mode::Pasted => "pasted".to_owned(),
            Mode::Local => format!("local · {}", self.model),
            Mode::Replay => format!("replay of {}", dated()),
            Mode::Live | Mode::Record => format!("live · {}", dated()),
        }
    }

    /// Describes this source's share of all replies.
    fn share(&self, all: u64) -> String {
        let mut text = if self.is_script() || self.replies < all {
            format!("{} of {} {}", self.replies, plural(all, "reply", "replies"), self.title())
        } else {
            format!("{} ({})", self.title(), plural(all, "reply", "replies"))
        };
        if self.nearest > 0 {
            text += &format!(", {} of them only the nearest", self.nearest);
        }
        text
    }
}

/// Writes a number with its noun: `1 reply`, `2 replies`.
pub(crate) fn plural(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.replies();
        let spoke: Vec<&Source> = self.sources.iter().filter(|source| source.replies > 0).collect();
        let mut parts: Vec<String> = spoke.iter().map(|source| source.share(all)).collect();
        if self.unanswered() > 0 {
            let prompts = plural(self.unanswered(), "prompt", "prompts");
            parts.push(format!("{prompts} without a reply"));
        }
        let mixed = if spoke.len() > 1 { "mixed: " } else { "" };
        f.write_str(&inert::line(&format!("{mixed}{}", parts.join("; "))))
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl AddAssign<&Stamp> for Stamp {
    fn add_assign(&mut self, other: &Stamp) {
        for new in &other.sources {
            let same = |known: &&mut Source| {
                (known.mode, &known.model, &known.date) == (new.mode, &new.model, &new.date)
            };
            match self.sources.iter_mut().find(same) {
                Some(known) => {
                    known.replies += new.replies;
                    known.nearest += new.nearest;
                    known.without += new.without;
                }
                None => self.sources.push(new.clone()),
            }
        }
    }
}

impl AddAssign for Stamp {
    fn add_assign(&mut self, other: Stamp) {
        *self += &other;
    }
}

impl Add<&Stamp> for Stamp {
    type Output = Stamp;

    fn add(mut self, other: &Stamp) -> Stamp {
        self += other;
        self
    }
}

impl Add for Stamp {
    type Output = Stamp;

    fn add(self, other: Stamp) -> Stamp {
        self + &other
    }
}

impl<'a> Sum<&'a Stamp> for Stamp {
    fn sum<I: Iterator<Item = &'a Stamp>>(stamps: I) -> Stamp {
        stamps.fold(Stamp::default(), |sum, stamp| sum + stamp)
    }
}

impl Sum for Stamp {
    fn sum<I: Iterator<Item = Stamp>>(stamps: I) -> Stamp {
        stamps.fold(Stamp::default(), |sum, stamp| sum + stamp)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use code_evolution_wire::model::Usage;

    use super::*;

    /// Makes an answer of this kind.
    pub(crate) fn answer(mode: Mode, fit: Fit) -> Answer {
        let model = if mode == Mode::Scripted { "script" } else { "small-1" };
        let dated = matches!(mode, Mode::Live | Mode::Record | Mode::Replay);
        Answer {
            text: String::new(),
            thinking: String::new(),
            tool_calls: Vec::new(),
            model: model.to_owned(),
            mode,
            note: None,
            finish_reason: "stop".to_owned(),
            usage: Usage::default(),
            extra: Default::default(),
            failure: None,
            fit,
            date: dated.then(|| "2026-11-27".to_owned()),
        }
    }

    pub(crate) fn stamp(mode: Mode, replies: usize) -> Stamp {
        std::iter::repeat_n(Stamp::of(&answer(mode, Fit::Exact)), replies).sum()
    }

    #[test]
    fn a_single_source_is_named_with_its_count() {
        let nearest = Stamp::of(&answer(Mode::Scripted, Fit::Nearest));
        let sixteen: Stamp =
            std::iter::repeat_n(nearest, 12).chain([stamp(Mode::Scripted, 4)]).sum();
        assert_eq!(sixteen.to_string(), "16 of 16 replies scripted, 12 of them only the nearest");
        let text = |mode| stamp(mode, 1).to_string();
        assert_eq!(text(Mode::Scripted), "1 of 1 reply scripted");
        assert_eq!(text(Mode::Live), "live · small-1, 2026-11-27 (1 reply)");
        assert_eq!(text(Mode::Record), "live · small-1, 2026-11-27 (1 reply)");
        assert_eq!(text(Mode::Replay), "replay of small-1, 2026-11-27 (1 reply)");
        assert_eq!(text(Mode::Local), "local · small-1 (1 reply)");
        assert_eq!(text(Mode::Pasted), "pasted (1 reply)");
    }

    #[test]
    fn several_sources_are_mixed_and_counted() {
        let mixed = stamp(Mode::Scripted, 3) + stamp(Mode::Live, 5);
        assert_eq!(
            mixed.to_string(),
            "mixed: 3 of 8 replies scripted; 5 of 8 replies live · small-1, 2026-11-27"
        );
        assert_eq!(mixed.who(), "script and small-1");
        assert!(!mixed.is_scripted() && stamp(Mode::Scripted, 1).is_scripted());
    }

    #[test]
    fn a_question_without_a_reply_is_no_reply() {
        let none = Stamp::of(&answer(Mode::Scripted, Fit::Nothing));
        assert_eq!(
            (none.to_string(), none.who()),
            ("1 prompt without a reply".into(), "no reply".into())
        );
        assert!(!none.is_scripted());
        let some = none + stamp(Mode::Scripted, 2);
        assert_eq!(some.to_string(), "2 of 2 replies scripted; 1 prompt without a reply");
    }

    #[test]
    fn a_name_says_who_answered_if_anybody_was_asked() {
        assert_eq!(stamp(Mode::Scripted, 1).names("repair loop"), "repair loop (script)");
        assert_eq!(Stamp::default().names("rustc"), "rustc");
    }
}
