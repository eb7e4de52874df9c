//! Automatic checks of the repository as a whole. (`binder/checks/hygiene.py` checks the notebooks' files.)

use std::fs;
use std::path::{Path, PathBuf};

/// A longer file probably has a second subject.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Returns every text file of the repository, with its path from the root.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root(), &root(), &mut found);
    assert!(found.iter().any(|(path, _)| path == "lib/tests/it/tidy.rs"), "{}", found.len());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    // Builds, kernels or people make these, so they are not checked here.
    let foreign = [".git", ".venv", ".ipynb_checkpoints", "my_fizzbuzz", "target"];
    for entry in fs::read_dir(folder).expect("a readable folder").map(|entry| entry.unwrap()) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if !foreign.iter().any(|one| name == *one)
                && !name.to_string_lossy().starts_with("tools")
            {
                collect(root, &path, found);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let from_root = path.strip_prefix(root).expect("a path below the root");
            found.push((from_root.to_string_lossy().into_owned(), text));
        }
    }
}

/// Fails with all findings at once.
#[track_caller]
fn assert_none(findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

fn manifests() -> Vec<(String, String)> {
    let is_member = |path: &str| path.ends_with("/Cargo.toml");
    let found: Vec<_> = files().into_iter().filter(|(path, _)| is_member(path)).collect();
    assert!(found.len() >= 5, "the workspace has five crates, not {}", found.len());
    found
}

/// Returns the value of `key = "value"` in a line.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(&format!("{key} = \""))?.1.split_once('"').map(|(value, _)| value)
}

#[test]
fn no_code_file_is_long() {
    let is_code = |path: &str, text: &str| {
        path.ends_with(".rs") || path.ends_with(".py") || text.starts_with("#!")
    };
    assert_none(files().iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (is_code(path, text) && lines > MOST_LINES).then(|| {
            format!("{path} has {lines} lines, more than {MOST_LINES}: split it by subject")
        })
    }));
}

#[test]
fn versions_are_in_step() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let version = workspace.lines().find(|line| line.starts_with("version")).expect("a version");
    let version = quoted(version, "version").expect("a version");
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    assert!(changes.contains(&format!("## [{version}]")), "CHANGELOG.md lacks {version}");

    let own = |line: &&str| line.contains("path = \"") && line.contains("version = \"");
    let mut findings = Vec::new();
    for (path, text) in manifests().iter().chain([&("Cargo.toml".to_owned(), workspace.clone())]) {
        for line in text.lines().filter(own) {
            if quoted(line, "version") != Some(version) {
                findings.push(format!("{path}: not version {version}: {line}"));
            }
        }
        if path != "Cargo.toml" && !text.contains("version.workspace = true") {
            findings.push(format!("{path}: its version is not the workspace's"));
        }
    }
    assert_none(findings);
}

#[test]
fn every_crate_denies_missing_docs_and_says_what_it_is() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let denies = |text: &str| text.contains("missing_docs = \"deny\"");
    assert!(denies(&workspace));
    let keys = ["description", "license", "readme", "keywords", "categories"];
    let mut findings = Vec::new();
    for (path, text) in manifests() {
        if !text.contains("[lints]\nworkspace = true") && !denies(&text) {
            findings.push(format!("{path}: allows missing docs"));
        }
        let missing = keys.iter().filter(|key| !text.lines().any(|line| line.starts_with(**key)));
        findings.extend(missing.map(|key| format!("{path}: has no {key}")));
    }
    assert_none(findings);
}

#[test]
fn links_inside_the_repository_are_alive() {
    let mut links = 0;
    let mut dead = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = root().join(path).parent().expect("a folder").to_owned();
        for target in text.split("](").skip(1).filter_map(|after| after.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { root().join(path) } else { folder.join(file) };
            let page = fs::read_to_string(&file).unwrap_or_default();
            if !file.exists() || !(section.is_empty() || anchors(&page).any(|a| a == section)) {
                dead.push(format!("{path}: links to {target}, which does not exist"));
            }
        }
    }
    assert!(links > 4, "only {links} links were found");
    assert_none(dead);
}

/// Returns the anchors that GitHub gives a page's sections.
fn anchors(page: &str) -> impl Iterator<Item = String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn no_file_names_a_machines_folders() {
    let clone = root().to_string_lossy().into_owned();
    // Written in parts; otherwise this file would contain them itself.
    let needles = [clone, format!("/{}/", "home"), format!("/{}/", "Users")];
    let mut findings = Vec::new();
    for (path, text) in files() {
        // These files search for such paths, so they must name them; an image has its own home folder.
        let names_them = ["binder/checks/hygiene.py", "binder/Dockerfile", "binder/image"];
        if names_them.contains(&path.as_str()) || path.starts_with("binder/tests/") {
            continue;
        }
        for needle in &needles {
            if let Some(line) = text.lines().position(|line| line.contains(needle)) {
                findings.push(format!("{path}:{}: names {needle}", line + 1));
            }
        }
    }
    assert_none(findings);
}
