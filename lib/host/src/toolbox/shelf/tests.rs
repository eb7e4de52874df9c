//! Tests a shelf in the worst case: a process that dies at each step, and files that a person changed.

use std::collections::BTreeMap;
use std::fs;

use anyhow::bail;
use code_evolution_wire::task::Task;
use serde_json::json;

use super::locked::Step;
use super::*;
use crate::toolbox::history::{ADMITTED, CUT_SHORT, ROLLED_BACK};
use crate::toolbox::verify;

const ONE: &str = "fn f() -> u8 { 1 }";
const TWO: &str = "fn f() -> u8 { 2 }";

fn version(source: &str) -> ToolVersion {
    ToolVersion {
        description: "f".to_owned(),
        task: Task::new("fn f() -> u8"),
        uses: BTreeMap::new(),
        capabilities: Vec::new(),
        sha256: digest(source.as_bytes()),
        author: "a test".to_owned(),
        reviewer: "a test".to_owned(),
        time: "2026-11-23T00:00:00Z".to_owned(),
    }
}

/// Adds `source` as the next version of f; the process dies at `last`.
fn add(shelf: &Shelf, source: &str, last: Option<Step>) -> Result<(), ToolboxError> {
    let locked = shelf.lock()?;
    let mut tools = shelf.tools()?;
    let entry = tools
        .entry("f".to_owned())
        .or_insert_with(|| ToolEntry { current: 0, versions: BTreeMap::new() });
    entry.current += 1;
    let (current, admitted) = (entry.current, version(source));
    let record = serde_json::to_vec(&admitted).unwrap();
    entry.versions.insert(current, admitted);
    let change = Change {
        tools: &tools,
        name: "f",
        new_source: Some(source),
        event: ADMITTED,
        summary: json!({"tool": "f", "version": current}),
        record: &record,
    };
    locked.step_by_step(&change, &mut |step| match last == Some(step) {
        true => bail!("killed before {step:?}"),
        false => Ok(()),
    })
}

fn in_use(shelf: &Shelf) -> (u32, String) {
    let tools = shelf.tools().unwrap();
    let entry = &tools["f"];
    shelf.lock().unwrap().repair("f", entry).unwrap();
    shelf.check_in_use("f", entry).unwrap();
    (entry.current, shelf.source("f", entry, entry.current).unwrap())
}

fn problems(shelf: &Shelf) -> Vec<String> {
    verify::shelf(shelf).unwrap().problems
}

fn shelf() -> (tempfile::TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path()).unwrap();
    add(&shelf, ONE, None).unwrap();
    (folder, shelf)
}

#[test]
fn a_change_that_is_cut_short_has_happened_or_not() {
    let steps = [Step::Version, Step::Log, Step::Backup, Step::Manifest, Step::InUse];
    for last in steps {
        let (folder, shelf) = shelf();
        fs::write(folder.path().join(".new-cut"), "half a fi").unwrap();
        add(&shelf, TWO, Some(last)).unwrap_err();
        let expected = match last {
            Step::InUse => (2, TWO.to_owned()),
            _ => (1, ONE.to_owned()),
        };
        // Open it as another process would.
        let shelf = Shelf::open(folder.path()).unwrap();
        assert_eq!(in_use(&shelf), expected, "{last:?}");
        assert_eq!(problems(&shelf), [""; 0], "{last:?}");
        add(&shelf, "fn f() -> u8 { 3 }", None).unwrap();
        assert_eq!(problems(&shelf), [""; 0], "{last:?}");
        assert_eq!(in_use(&shelf).1, "fn f() -> u8 { 3 }", "{last:?}");
        assert!(!folder.path().join(".new-cut").exists(), "{last:?}");
    }
}

#[test]
fn a_rollback_that_is_cut_short_has_happened_or_not() {
    for last in [Step::Log, Step::Backup, Step::Manifest, Step::InUse] {
        let (_folder, shelf) = shelf();
        add(&shelf, TWO, None).unwrap();
        let locked = shelf.lock().unwrap();
        let mut tools = shelf.tools().unwrap();
        tools.get_mut("f").unwrap().current = 1;
        let change = Change {
            tools: &tools,
            name: "f",
            new_source: None,
            event: ROLLED_BACK,
            summary: json!({"tool": "f", "version": 1}),
            record: b"",
        };
        let cut = |step| if step == last { bail!("killed before {step:?}") } else { Ok(()) };
        locked.step_by_step(&change, &mut { cut }).unwrap_err();
        drop(locked);
        assert_eq!(problems(&shelf), [""; 0], "{last:?}");
        add(&shelf, "fn f() -> u8 { 3 }", None).unwrap();
        assert_eq!(problems(&shelf), [""; 0], "{last:?}");
        let said = shelf.entries().unwrap().iter().any(|entry| entry.event == CUT_SHORT);
        assert_eq!(said, matches!(last, Step::Backup | Step::Manifest), "{last:?}");
    }
}

#[test]
fn a_damaged_manifest_is_named_and_can_be_repaired() {
    let (folder, shelf) = shelf();
    let path = folder.path().join(MANIFEST);
    let whole = fs::read_to_string(&path).unwrap();
    let edited = whole.replace("\"description\": \"f\"", "\"description\": \"g\"");
    assert_ne!(edited, whole);
    for damaged in [&whole[..whole.len() / 2], "", "{}", &edited] {
        fs::write(&path, damaged).unwrap();
        let Err(ToolboxError::Damaged(message)) = shelf.tools() else { panic!("{damaged}") };
        assert!(message.contains(MANIFEST) && message.contains(BACKUP), "{message}");
        add(&shelf, TWO, None).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "nothing is overwritten");
    }
    fs::remove_file(&path).unwrap();
    assert!(Shelf::open(folder.path()).unwrap().tools().is_err(), "it is not started anew");
    fs::copy(folder.path().join(BACKUP), &path).unwrap();
    assert_eq!(in_use(&shelf), (1, ONE.to_owned()));
}

#[test]
fn a_tool_changed_by_hand_is_named_and_kept() {
    let (folder, shelf) = shelf();
    let path = folder.path().join("f.rs");
    for damaged in ["fn f() -> u8 { 9 }", "fn f() -> u", ""] {
        fs::write(&path, damaged).unwrap();
        let tools = shelf.tools().unwrap();
        shelf.lock().unwrap().repair("f", &tools["f"]).unwrap();
        let error = shelf.check_in_use("f", &tools["f"]).unwrap_err().to_string();
        assert!(error.contains("f.rs") && error.contains("f.1.rs"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(in_use(&shelf), (1, ONE.to_owned()));
}

#[test]
fn either_copy_of_a_source_is_enough() {
    let (folder, shelf) = shelf();
    let stored = folder.path().join(VERSIONS).join("f.1.rs");
    fs::write(&stored, "fn f(").unwrap();
    assert_eq!(in_use(&shelf), (1, ONE.to_owned()));
    fs::write(folder.path().join("f.rs"), "fn f(").unwrap();
    let tools = shelf.tools().unwrap();
    let error = shelf.source("f", &tools["f"], 1).unwrap_err().to_string();
    assert!(error.contains("f.1.rs"), "{error}");
}

#[test]
fn only_a_toolbox_is_set_aside() {
    let place = tempfile::tempdir().expect("a folder");
    let tools = place.path().join("tools");
    let slash = PathBuf::from(format!("{}/", tools.display()));
    Shelf::set_aside(&tools).expect("there is nothing to move");
    for round in ["first", "second", "third"] {
        Shelf::open(&tools).expect("a toolbox");
        fs::write(tools.join(round), "").expect("a file");
        Shelf::set_aside(if round == "second" { &slash } else { &tools }).expect("it moves");
        assert!(!tools.exists() && place.path().join("tools.previous").join(round).exists());
    }
    fs::create_dir(&tools).expect("a folder");
    fs::write(tools.join("thesis.txt"), "years of work").expect("a file");
    let error = Shelf::set_aside(&tools).expect_err("no toolbox").to_string();
    assert!(error.contains("is not a toolbox") && tools.join("thesis.txt").exists(), "{error}");
}
