use super::*;

const BASE: &str = "fn one(v: &[i32]) -> i32 {\n    let mut best = v[0];\n    for &x in v {\n        if x > best { best = x; }\n    }\n    best\n}";

fn applied(block: &str) -> Result<String, String> {
    let base = BASE.to_owned();
    let edit = find(block, false, std::slice::from_ref(&base)).ok_or("no edit")?;
    edit.apply(BASE)
}

#[test]
fn edits_that_fit() {
    let first = BASE.replace("v[0]", "i32::MIN");
    for block in [
        "<<<<<<< SEARCH\n    let mut best = v[0];\n=======\n    let mut best = i32::MIN;\n>>>>>>> REPLACE",
        "<<<<<<< SEARCH\nlet mut best = v[0];\n=======\nlet mut best = i32::MIN;\n>>>>>>> REPLACE",
        "<<<<<<< ORIGINAL\n    let mut best = v[0];   \n=======\n    let mut best = i32::MIN;\n>>>>>>> UPDATED",
        "------- SEARCH\n    let mut best = v[0];\n=======\n    let mut best = i32::MIN;\n+++++++ REPLACE",
        " fn one(v: &[i32]) -> i32 {\n-    let mut best = v[0];\n+    let mut best = i32::MIN;\n     for &x in v {",
        "--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,3 @@\n fn one(v: &[i32]) -> i32 {\n-    let mut best = v[0];\n+    let mut best = i32::MIN;\n",
        "-    let mut best = v[0];\n+    let mut best = i32::MIN;",
        "fn one(v: &[i32]) -> i32 {\n-    let mut best = v[0];\n+    let mut best = i32::MIN;\n    for &x in v {",
    ] {
        assert_eq!(applied(block).as_ref(), Ok(&first), "{block}");
    }
    let gaps = "fn one(v: &[i32]) -> i32 {\n    // ... existing code ...\n    for &x in v {\n        println!(\"{x}\");\n        if x > best { best = x; }\n    // ... rest unchanged ...\n}";
    let expected = BASE.replace("v {\n", "v {\n        println!(\"{x}\");\n");
    assert_eq!(applied(gaps), Ok(expected));
}

#[test]
fn edits_that_do_not_fit_say_why() {
    for (block, why) in [
        (
            "<<<<<<< SEARCH\n    let best = 0;\n=======\n    x\n>>>>>>> REPLACE",
            "no line there is `let best = 0;`",
        ),
        ("<<<<<<< SEARCH\n=======\n    x\n>>>>>>> REPLACE", "which lines"),
        ("@@\n+    x", "which lines"),
        (
            "fn one() {\n    // ... existing code ...\n    let z = 1;\n}",
            "the line `fn one() {` beside a gap does not occur there",
        ),
        ("<<<<<<< SEARCH\n    best\n    for &x in v {\n=======\n>>>>>>> REPLACE", "do not follow"),
    ] {
        let found = applied(block).unwrap_err();
        assert!(found.contains(why), "{block}: {found}");
    }
}

#[test]
fn code_is_not_an_edit() {
    for code in [
        BASE,
        "fn one() -> i32 {\n    // the rest of the list\n    let a = 1;\n    -a\n}",
        "fn one() -> i32 {\n    let a = 3\n-1\n+2;\n    a\n}",
        "fn one() {\n    // ======\n}",
    ] {
        assert_eq!(find(code, false, &[BASE.to_owned()]), None, "{code}");
    }
}
