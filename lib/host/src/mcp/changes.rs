//! Watches the toolbox, so that a client learns of a new tool or version without a restart.
//!
//! This module checks the manifest twice a second: a stat costs almost nothing and works on every file
//! system. The report says only that something changed; the client then asks for the list.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::tools;
use crate::toolbox::Toolbox;

const PERIOD: Duration = Duration::from_millis(500);

/// Reports when the list of tools has changed. Every clone receives each report.
#[derive(Clone)]
pub struct Changes(watch::Receiver<()>);

impl Changes {
    /// Starts watching, until the last receiver is dropped. Needs a runtime.
    pub fn watch(toolbox: Arc<Toolbox>) -> Changes {
        let (tell, changes) = watch::channel(());
        tokio::task::spawn_blocking(move || {
            let mut stamp = toolbox.stamp();
            let mut offered = tools::offered(&toolbox).ok();
            while !tell.is_closed() {
                std::thread::sleep(PERIOD);
                let now = toolbox.stamp();
                if now == stamp {
                    continue;
                }
                // If the manifest is damaged or in the middle of a change, check again later.
                let Ok(tools) = tools::offered(&toolbox) else { continue };
                stamp = now;
                if offered.as_ref() != Some(&tools) {
                    offered = Some(tools);
                    tell.send_replace(());
                }
            }
        });
        Changes(changes)
    }

    /// Waits for the next change; returns `false` if there will be none.
    pub async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
