//! Values of every type survive the trip into the jail and back.

use code_evolution_host::judge::JudgeError;
use code_evolution_wire::task::Task;
use serde_json::{Value, json};

use crate::support::{assert_passes, judge, verdict};

/// Judges a candidate that returns its input, with values of its type.
#[track_caller]
fn comes_back(ty: &str, values: &[Value]) {
    let mut task = Task::new(format!("fn same(x: {ty}) -> {ty}"));
    for value in values {
        task = task.case(vec![value.clone()], value.clone());
    }
    let uses = "use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};";
    assert_passes(&task, &format!("{uses}\nfn same(x: {ty}) -> {ty} {{ x }}"));
}

#[test]
fn integers_of_every_width() {
    comes_back(
        "((i8, i16, i32, i64, i128, isize), (u8, u16, u32, u64, u128, usize))",
        &[
            json!([
                [i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN.to_string(), i64::MIN],
                [0, 0, 0, 0, 0, 0]
            ]),
            json!([
                [i8::MAX, i16::MAX, i32::MAX, i64::MAX, i128::MAX.to_string(), i64::MAX],
                [u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX.to_string(), u64::MAX]
            ]),
        ],
    );
}

#[test]
fn floats_with_nan_and_infinities() {
    comes_back(
        "(f32, f64)",
        &[
            json!([0.1, 0.1]),
            json!(["NaN", "NaN"]),
            json!(["inf", "-inf"]),
            json!([-0.0, 5e-324]),
            json!([3.4028234663852886e38, 1.7976931348623157e308]),
        ],
    );
}

#[test]
fn text_and_the_rest_of_the_scalars() {
    comes_back("(bool, char, String, ())", &[json!([true, "🦀", "é\u{0}\n\"", null])]);
}

#[test]
fn options_and_results_nested() {
    comes_back(
        "(Option<Option<u8>>, Result<Vec<i8>, String>, Option<()>)",
        &[
            json!([null, { "Ok": [1, -1] }, null]),
            json!([{ "Some": null }, { "Err": "no" }, { "Some": null }]),
            json!([7, { "Ok": [] }, null]),
        ],
    );
}

#[test]
fn sequences_nested() {
    comes_back(
        "(Vec<Vec<String>>, [[u8; 2]; 2], Vec<(char, [Option<i64>; 1])>)",
        &[json!([[["a"], []], [[1, 2], [3, 4]], [["x", [null]], ["y", [5]]]])],
    );
}

#[test]
fn maps_and_sets_nested() {
    comes_back(
        "(HashMap<String, Vec<f64>>, BTreeMap<(u8, char), bool>, HashSet<String>, BTreeSet<i32>)",
        &[
            json!([{ "a": [1.5], "b": [] }, [[[1, "x"], true]], ["q", "p"], [-1, 3]]),
            json!([{}, [], [], []]),
        ],
    );
    comes_back("HashMap<u32, HashSet<char>>", &[json!([[1, ["a", "b"]], [2, []]])]);
}

#[test]
fn borrowed_parameters_and_results() {
    let task = Task::new("fn pick<'a>(words: &'a [String], at: &usize) -> &'a str")
        .case((vec!["a", "b"], 1), "b");
    assert_passes(&task, "fn pick<'a>(w: &'a [String], at: &usize) -> &'a str { &w[*at] }");
    let task =
        Task::new("fn total(rows: &[&[i32]], names: Vec<&str>, more: Option<&str>) -> usize")
            .case((vec![vec![1, 2], vec![3]], vec!["x"], Some("yz")), 6);
    assert_passes(
        &task,
        "fn total(rows: &[&[i32]], names: Vec<&str>, more: Option<&str>) -> usize {
            rows.iter().map(|row| row.len()).sum::<usize>() + names[0].len() + more.unwrap().len()
        }",
    );
    let task = Task::new("fn name() -> &'static str").case((), "x");
    assert_passes(&task, "fn name() -> &'static str { \"x\" }");
}

#[test]
fn private_public_and_const_functions_are_found() {
    let task = Task::new("fn one() -> u8").case((), 1);
    for code in [
        "fn one() -> u8 { 1 }",
        "pub fn one() -> u8 { 1 }",
        "pub(crate) fn one() -> u8 { 1 }",
        "//! Docs.\n#![allow(dead_code)]\n/// More.\n#[inline]\nconst fn one() -> u8 { 1 }",
        "mod inner { pub fn one() -> u8 { 1 } }\npub use inner::one;",
    ] {
        assert_passes(&task, code);
    }
}

#[test]
fn an_unsupported_type_is_named_before_anything_runs() {
    for (signature, named) in [
        ("fn f(x: Box<dyn Fn(i32) -> i32>) -> u8", "dyn Fn (i32) -> i32"),
        ("fn f(x: &mut [i32])", "& mut [i32]"),
        ("fn f() -> std::time::Duration", "std :: time :: Duration"),
    ] {
        let error = judge().judge(&Task::new(signature), "").unwrap_err();
        assert!(
            matches!(&error, JudgeError::BadRequest(message) if message.contains(named)),
            "{signature}: {error}"
        );
    }
}

#[test]
fn an_input_of_another_type_names_its_case() {
    let task = Task::new("fn f(x: u8) -> u8").named_case("too large", (300,), 0);
    let error = judge().judge(&task, "").unwrap_err().to_string();
    assert!(error.contains("too large") && error.contains("u8"), "{error}");
}

#[test]
fn floats_are_compared_with_the_tasks_tolerance() {
    let exact = Task::new("fn sum() -> f64").case((), 0.3);
    let code = "fn sum() -> f64 { 0.1 + 0.2 }";
    assert_eq!(verdict(&exact, code).passed, 0);
    assert_passes(&exact.tolerance(1e-9), code);
}
