//! What the gate found, what became of a proposal, and whether a toolbox is intact.

use std::ops::Deref;

use code_evolution_wire::toolbox as wire;

use super::number::count;
use super::{Code, Diff, Quote, Stack, Verdict, html, shows_itself};
use crate::inert;

/// The most characters of a reason in a headline.
const REASON: usize = 300;

/// What the gate found out about a proposal: what changed, the source, the verdict. Its fields are those of
/// the wire's [`Examination`](code_evolution_wire::toolbox::Examination).
#[derive(Clone, PartialEq)]
pub struct Examination(pub wire::Examination);

/// The decision about a proposal. Its fields are those of the wire's
/// [`Admission`](code_evolution_wire::toolbox::Admission).
#[derive(Clone, PartialEq)]
pub struct Admission(pub wire::Admission);

/// Whether a toolbox is unchanged. Its fields are those of the wire's
/// [`Verification`](code_evolution_wire::toolbox::Verification).
#[derive(Clone, PartialEq, Eq)]
pub struct Verification(pub wire::Verification);

/// Names the proposed tool, for a headline.
fn tool(found: &wire::Examination) -> String {
    format!("{}, version {}", inert::short(&found.name, 60), found.version)
}

macro_rules! derefs {
    ($($shown:ident),+) => {$(
        impl Deref for $shown {
            type Target = wire::$shown;

            fn deref(&self) -> &wire::$shown {
                &self.0
            }
        }
    )+};
}
derefs!(Examination, Admission, Verification);

impl Examination {
    /// Returns the gate's result in one line.
    pub fn headline(&self) -> String {
        let tool = tool(self);
        match (self.passed(), &self.refusal) {
            (true, _) => format!("✓ the gate lets {tool} through to the review"),
            (false, Some(_)) => format!("✗ the gate refuses {tool}"),
            (false, None) => format!("✗ the gate refuses {tool}: it fails its tests"),
        }
    }

    fn panels(&self) -> Stack {
        let mut panels = Stack::new().add("source", Code::new(&self.code));
        if let Some(previous) = &self.previous {
            panels = panels.add("change", Diff::new(previous, &self.code));
        }
        if !self.capabilities.is_empty() {
            let wanted: Vec<String> = self.capabilities.iter().map(|c| c.to_string()).collect();
            panels = panels.add("asks for", Quote::new(wanted.join(", ")));
        }
        if let Some(refusal) = &self.refusal {
            panels = panels.add("why", Quote::new(refusal));
        }
        match &self.verdict {
            Some(verdict) => panels.add("verdict", Verdict(verdict.clone())),
            None => panels,
        }
    }

    /// Returns the examination as HTML.
    pub fn to_html(&self) -> String {
        html::panel(&html::headline(&self.headline())) + &self.panels().to_html()
    }

    /// Returns the examination as text.
    pub fn to_text(&self) -> String {
        format!("{}\n\n{}", self.headline(), self.panels().to_text())
    }
}

impl Admission {
    /// Returns the decision in one line.
    pub fn headline(&self) -> String {
        let tool = tool(&self.examination);
        match &self.review {
            Some(review) if self.admitted => {
                format!("✓ admitted: {tool} (approved by {})", inert::short(&review.by, REASON))
            }
            Some(review) => {
                format!("✗ rejected: {tool} (turned down by {})", inert::short(&review.by, REASON))
            }
            None if self.admitted => format!("✓ in use already: {tool}"),
            None => format!("✗ rejected by the gate: {tool}"),
        }
    }

    /// Returns what to tell the tool's author.
    pub fn feedback(&self) -> String {
        match &self.review {
            Some(review) if !self.admitted => format!("The review said no ({}).", review.by),
            _ => self.examination.feedback().to_owned(),
        }
    }

    /// Returns the admission as HTML, with the gate's reason if the gate refused.
    pub fn to_html(&self) -> String {
        let head = html::panel(&html::headline(&self.headline()));
        match self.review {
            _ if self.admitted => head,
            Some(_) => head,
            None => head + &Quote::new(self.examination.feedback()).to_html(),
        }
    }

    /// Returns the admission as text, with the gate's reason if the gate refused.
    pub fn to_text(&self) -> String {
        match self.review {
            _ if self.admitted => self.headline(),
            Some(_) => self.headline(),
            None => {
                format!("{}\n{}", self.headline(), inert::quote(self.examination.feedback()))
            }
        }
    }
}

impl Verification {
    /// Returns whether there are no problems.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns the verification as HTML.
    pub fn to_html(&self) -> String {
        let mut body = html::headline(&self.headline());
        for problem in &self.problems {
            body += &html::paragraph(problem);
        }
        html::panel(&body)
    }

    /// Returns the verification as text.
    pub fn to_text(&self) -> String {
        let problems = self.problems.iter().map(|problem| inert::quote(problem));
        [self.headline()].into_iter().chain(problems).collect::<Vec<_>>().join("\n")
    }

    fn headline(&self) -> String {
        let lines = count(usize::try_from(self.lines).unwrap_or(usize::MAX), "line");
        match self.problems.len() {
            0 => format!("✓ intact: the log has {lines}, and it accounts for every tool"),
            problems => format!("✗ not as it was written: {}", count(problems, "problem")),
        }
    }
}
shows_itself!(Examination, Admission, Verification);
