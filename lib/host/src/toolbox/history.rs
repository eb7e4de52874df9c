//! What the log says is in use.
//!
//! A change is logged before it happens, so the last one may have been cut short. The next change says
//! so in a line of its own; until then both the state before and the state after are as the log has it.

use std::collections::BTreeMap;

use code_evolution_wire::toolbox::ToolEntry;

use crate::audit::Entry;

/// The event of a version that came in, and is in use.
pub const ADMITTED: &str = "admitted";
/// The event of another version that was put into use.
pub const ROLLED_BACK: &str = "rolled_back";
/// The event that takes the change before back: a process was killed before it had happened.
pub const CUT_SHORT: &str = "cut_short";

/// The changes that a log tells of.
#[derive(Debug, Default)]
pub struct History {
    /// The version in use, by the tool's name.
    in_use: BTreeMap<String, u32>,
    last: Option<Announced>,
}

/// The change that a log tells of last.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The tool.
    pub tool: String,
    /// The version that goes into use.
    pub version: u32,
    /// The version in use before, if there was one.
    before: Option<u32>,
    /// Whether the version is new.
    admitted: bool,
}

impl History {
    /// Reads a log's lines.
    pub fn of(entries: &[Entry]) -> Self {
        let mut history = History::default();
        for Entry { event, summary, .. } in entries {
            let tool = summary["tool"].as_str().map(str::to_owned);
            let version = summary["version"].as_u64().and_then(|n| u32::try_from(n).ok());
            match (event.as_str(), tool, version) {
                (ADMITTED | ROLLED_BACK, Some(tool), Some(version)) => {
                    let before = history.in_use.insert(tool.clone(), version);
                    let admitted = event == ADMITTED;
                    history.last = Some(Announced { tool, version, before, admitted });
                }
                (CUT_SHORT, ..) => history.take_back(),
                _ => {}
            }
        }
        history
    }

    fn take_back(&mut self) {
        if let Some(Announced { tool, before, .. }) = self.last.take() {
            match before {
                Some(version) => self.in_use.insert(tool, version),
                None => self.in_use.remove(&tool),
            };
        }
    }

    /// The last change, if these tools are as they were before it.
    pub fn cut_short(&self, tools: &BTreeMap<String, ToolEntry>) -> Option<&Announced> {
        let last = self.last.as_ref()?;
        let entry = tools.get(&last.tool);
        // A version comes into the manifest and into use at once.
        let arrived =
            last.admitted && entry.is_some_and(|entry| entry.versions.contains_key(&last.version));
        let current = entry.map(|entry| entry.current);
        (current == last.before && current != Some(last.version) && !arrived).then_some(last)
    }

    /// Where these tools are not as the log has them, a sentence each.
    pub fn problems(mut self, tools: &BTreeMap<String, ToolEntry>) -> Vec<String> {
        if self.cut_short(tools).is_some() {
            self.take_back();
        }
        let problem = |(name, logged): (&String, &u32)| match tools.get(name) {
            Some(entry) if entry.current == *logged => None,
            Some(entry) => Some(format!(
                "version {} of {name} is in use, where the log has version {logged} of {name}: the \
                 manifest was changed by hand; roll {name} back to the version that you want",
                entry.current
            )),
            None => Some(format!(
                "the log has version {logged} of {name} in use, and the manifest has no {name}: it \
                 was changed by hand; put back the manifest as it was, or propose {name} again"
            )),
        };
        self.in_use.iter().filter_map(problem).collect()
    }
}
