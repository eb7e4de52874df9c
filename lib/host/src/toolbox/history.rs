//! Reads from the log which versions are in use.
//!
//! A change is logged before it happens, so the last change may have been cut short. The next change records
//! that in a line of its own. Until then, both the state before and the state after agree with the log.

use std::collections::BTreeMap;

use code_evolution_wire::toolbox::ToolEntry;

use crate::audit::Entry;

/// The event that a new version was admitted and put into use.
pub const ADMITTED: &str = "admitted";
/// The event that an earlier version was put into use again.
pub const ROLLED_BACK: &str = "rolled_back";
/// The event that cancels the previous event, whose change was never applied because its process was killed.
pub const CUT_SHORT: &str = "cut_short";

/// The changes that a log records.
#[derive(Debug, Default)]
pub struct History {
    /// The version in use, by the tool's name.
    in_use: BTreeMap<String, u32>,
    last: Option<LoggedChange>,
}

/// The last change that a log records.
#[derive(Debug, Clone)]
pub struct LoggedChange {
    /// The tool.
    pub tool: String,
    /// The version that is put into use.
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
                    history.last = Some(LoggedChange { tool, version, before, admitted });
                }
                (CUT_SHORT, ..) => history.take_back(),
                _ => {}
            }
        }
        history
    }

    fn take_back(&mut self) {
        if let Some(LoggedChange { tool, before, .. }) = self.last.take() {
            match before {
                Some(version) => self.in_use.insert(tool, version),
                None => self.in_use.remove(&tool),
            };
        }
    }

    /// Returns the last change if these tools are still as they were before it.
    pub fn cut_short(&self, tools: &BTreeMap<String, ToolEntry>) -> Option<&LoggedChange> {
        let last = self.last.as_ref()?;
        let entry = tools.get(&last.tool);
        // A new version appears in the manifest and goes into use in the same write.
        let arrived =
            last.admitted && entry.is_some_and(|entry| entry.versions.contains_key(&last.version));
        let current = entry.map(|entry| entry.current);
        (current == last.before && current != Some(last.version) && !arrived).then_some(last)
    }

    /// Lists where these tools differ from the log, one sentence each.
    pub fn problems(mut self, tools: &BTreeMap<String, ToolEntry>) -> Vec<String> {
        if self.cut_short(tools).is_some() {
            self.take_back();
        }
        let problem = |(name, logged): (&String, &u32)| match tools.get(name) {
            Some(entry) if entry.current == *logged => None,
            Some(entry) => Some(format!(
                "version {} of {name} is in use, but the log has version {logged} of {name}: the \
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
