//! `toolbox verify`: a file that was changed is named, whichever it is.

use std::path::Path;
use std::sync::Arc;

use code_evolution_host::toolbox::{Residents, Toolbox};
use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::{Proposal, Review};

use crate::support::judge;

/// The command on a folder: its exit code, and what it prints.
fn verified(folder: &Path) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
    let output = command.args(["toolbox", "verify"]).arg(folder).output().expect("the host starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

#[test]
fn every_changed_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = Toolbox::open(folder.path(), judge().clone(), Arc::new(Residents::default()))
        .expect("a toolbox");
    for sum in ["a + b", "b + a"] {
        let task = Task::new("fn add(a: f64, b: f64) -> f64").case((5.0, 3.0), 8.0);
        let source = format!("fn add(a: f64, b: f64) -> f64 {{ {sum} }}");
        let review = Some(Review { approved: true, by: "a test".to_owned() });
        let proposal = Proposal::new(task, source).describe("adds two numbers").author("a test");
        let admission = toolbox.admit(&proposal, review).expect("an answer");
        assert!(admission.admitted, "{:#?}", admission.examination);
    }
    let (code, text) = verified(folder.path());
    assert!(code == Some(0) && text.contains("intact, 2 log lines"), "{text}");
    // The source in use, its copy, an earlier version, and what is said about them.
    for name in ["add.rs", "versions/add.2.rs", "versions/add.1.rs", "manifest.json"] {
        let path = folder.path().join(name);
        let honest = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(&path, honest.replace("f64", "f32")).expect("written");
        let (code, text) = verified(folder.path());
        assert!(code == Some(1) && text.contains(path.to_str().expect("a path")), "{text}");
        std::fs::write(&path, honest).expect("written");
        assert_eq!(verified(folder.path()).0, Some(0), "{name} is as it was");
    }
}

#[test]
fn a_folder_that_is_no_toolbox_is_not_made_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text) = verified(folder.path());
    assert!(code == Some(1) && text.contains("no toolbox"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
