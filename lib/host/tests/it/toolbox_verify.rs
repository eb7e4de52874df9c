//! `toolbox verify` names every changed file.

use std::collections::BTreeMap;
use std::path::Path;

use code_evolution_host::toolbox::{Toolbox, ToolboxError};
use code_evolution_wire::toolbox::{Proposal, ToolEntry};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::toolbox::{ADD, add, admitted, assert_intact, one, open};

/// Runs the command on a folder; returns its exit code and what it prints.
fn verified(folder: &Path) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
    let output = command.args(["toolbox", "verify"]).arg(folder).output().expect("the host starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

/// Makes a toolbox with two versions of `add`.
fn two_versions(folder: &Path) -> Toolbox {
    let toolbox = open(folder);
    for sum in ["a + b", "b + a"] {
        admitted(&toolbox, &Proposal { code: ADD.replace("a + b", sum), ..add() });
    }
    toolbox
}

/// Changes the manifest like a forger who knows its form, including the digest.
fn forge(folder: &Path, change: impl FnOnce(&mut BTreeMap<String, ToolEntry>)) {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    let mut tools = serde_json::from_value(manifest["tools"].take()).expect("tools");
    change(&mut tools);
    let digest = Sha256::digest(serde_json::to_vec(&tools).expect("JSON"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    manifest["tools"] = serde_json::to_value(&tools).expect("JSON");
    manifest["digest"] = digest.into();
    std::fs::write(&path, manifest.to_string()).expect("written");
}

#[test]
fn every_changed_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    two_versions(folder.path());
    let (code, text) = verified(folder.path());
    assert!(code == Some(0) && text.contains("intact, 2 log lines"), "{text}");
    // Change the source in use, its copy, an earlier version, and the manifest, one after the other.
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
fn a_name_that_leads_out_of_the_folder_is_refused_and_nothing_is_written_there() {
    let outside = tempfile::tempdir().expect("a folder");
    let folder = outside.path().join("toolbox");
    let victim = outside.path().join("victim");
    std::fs::create_dir(&victim).expect("a folder");
    let toolbox = two_versions(&folder);
    // With the name `../victim/build`, the source of the version in use would be read here.
    std::fs::create_dir(folder.join("victim")).expect("a folder");
    let source = folder.join("versions/add.2.rs");
    std::fs::copy(source, folder.join("victim/build.2.rs")).expect("a copy");
    let path = folder.join("manifest.json");
    let honest = std::fs::read_to_string(&path).expect("a manifest");
    let absolute = victim.join("build").display().to_string();
    for name in ["../victim/build", &absolute, "..", "a/b", "", "_add", "Add", "2"] {
        forge(&folder, |tools| {
            let entry = tools["add"].clone();
            tools.insert(name.to_owned(), entry);
        });
        let (code, text) = verified(&folder);
        assert!(code == Some(1) && text.contains(&format!("`{name}`")), "{name}: {text}");
        assert!(matches!(toolbox.list(), Err(ToolboxError::Damaged(_))), "{name}");
        std::fs::write(&path, &honest).expect("written");
        forge(&folder, |tools| {
            let entry = tools.get_mut("add").expect("a tool");
            let version = entry.versions.get_mut(&2).expect("a version");
            version.uses.insert(name.to_owned(), 2);
        });
        assert!(matches!(toolbox.list(), Err(ToolboxError::Damaged(_))), "{name} is used");
        std::fs::write(&path, &honest).expect("written");
    }
    assert_eq!(std::fs::read_dir(&victim).expect("a folder").count(), 0, "it wrote outside");
    assert_intact(&toolbox);
}

#[test]
fn a_lock_that_leads_out_of_the_folder_makes_no_file_there() {
    let outside = tempfile::tempdir().expect("a folder");
    let folder = outside.path().join("toolbox");
    two_versions(&folder);
    let victim = outside.path().join("victim");
    std::fs::remove_file(folder.join(".lock")).expect("removed");
    std::os::unix::fs::symlink(&victim, folder.join(".lock")).expect("a link");
    std::fs::remove_file(folder.join("add.rs")).expect("removed");
    assert_eq!(verified(&folder).0, Some(1));
    assert!(!victim.exists(), "it wrote outside");
}

#[test]
fn a_current_version_that_contradicts_the_log_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = two_versions(folder.path());
    let other = |name: &str| folder.path().join(name);
    let path = other("manifest.json");
    let honest = std::fs::read_to_string(&path).expect("a manifest");
    let source = std::fs::read_to_string(other("add.rs")).expect("a source");
    forge(folder.path(), |tools| tools.get_mut("add").expect("a tool").current = 1);
    std::fs::copy(other("versions/add.1.rs"), other("add.rs")).expect("a copy");
    let (code, text) = verified(folder.path());
    assert!(code == Some(1) && text.contains("version 2 of add"), "{text}");
    std::fs::write(&path, &honest).expect("written");
    std::fs::write(other("add.rs"), source).expect("written");
    assert_intact(&toolbox);

    // Another change follows, so the earlier change was not cut short.
    admitted(&toolbox, &one());
    forge(folder.path(), |tools| drop(tools.remove("add")));
    let (code, text) = verified(folder.path());
    assert!(code == Some(1) && text.contains("version 2 of add"), "{text}");
    std::fs::copy(other("manifest.backup.json"), &path).expect("a copy");
    toolbox.roll_back("add", 1, "a test").expect("there is a version 1");
    assert_intact(&toolbox);
}

#[test]
fn a_folder_that_is_no_toolbox_is_not_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text) = verified(folder.path());
    assert!(code == Some(1) && text.contains("no toolbox"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
