//! Feeds the readers of outside input with hostile inputs that are edited at random: a reader must accept or
//! refuse them, and do nothing else. The number of inputs is small here; `PROPTEST_CASES=1000000 cargo test
//! --release -p code_evolution_host fuzz` runs longer.
//!
//! The starting inputs are in `tests/corpus`. Add every input that ever broke a reader.

use code_evolution_wire::task::Task;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Deserialize;

use super::codec;
use super::conversation::{ExchangeError, take_reply};
use super::error::JudgeError;
use super::plan::Plan;
use super::prepared::{Reply, read_reply};
use super::signature::{Signature, Type};

const FRAMES: &str = include_str!("../../tests/corpus/frames.txt");
const REQUESTS: &str = include_str!("../../tests/corpus/requests.jsonl");

/// The longest accepted reply, in bytes.
const LIMIT: u64 = 64;

/// A position, how many bytes to cut there, and what to insert instead.
type Edit = (Index, usize, Vec<u8>);

fn edits(byte: impl Strategy<Value = u8>) -> impl Strategy<Value = Vec<Edit>> {
    let inserted = proptest::collection::vec(byte, 0..6);
    proptest::collection::vec((any::<Index>(), 0usize..6, inserted), 0..5)
}

fn edited(original: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (place, cut, inserted) in edits {
        let start = place.index(bytes.len() + 1);
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, inserted.iter().copied());
    }
    bytes
}

/// Reads the corpus of frames: the type of the output, and the bytes.
fn frames() -> Vec<(Type, Vec<u8>)> {
    let lines = FRAMES.lines().filter(|line| !line.starts_with('#'));
    let frame = |line: &str| {
        // Split at the last `; `, because the type may contain one: `[u8; 2]`.
        let (rest, hex) = line.rsplit_once("; ").unwrap();
        let (ty, _) = rest.rsplit_once("; ").unwrap();
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let ty = Signature::parse(&format!("fn f() -> {ty}")).unwrap().output;
        (ty, (0..hex.len()).step_by(2).map(digits).collect())
    };
    lines.map(frame).collect()
}

/// Reads bytes that arrive in two pieces, as the judge does.
fn read(ty: &Type, bytes: &[u8], piece: Index) -> Result<Option<Reply>, String> {
    let (first, second) = bytes.split_at(piece.index(bytes.len() + 1));
    let mut received = Vec::new();
    for part in [first, second] {
        received.extend_from_slice(part);
        match take_reply(&mut received, LIMIT) {
            Ok(None) => {}
            Ok(Some(reply)) => return read_reply(ty, &reply).map(Some),
            Err(ExchangeError::Violation(reason)) => return Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }
    Ok(None)
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(5_000), ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn frames_are_read_or_refused(
        frame in proptest::sample::select(frames()),
        edits in edits(any::<u8>()),
        piece in any::<Index>(),
    ) {
        let (ty, original) = frame;
        let bytes = edited(&original, &edits);
        match read(&ty, &bytes, piece) {
            Ok(Some(Reply::Value(value))) => {
                let mut again = Vec::new();
                codec::encode(&ty, &value, &mut again).unwrap();
                prop_assert_eq!(codec::decode(&ty, &again).unwrap(), value);
            }
            Ok(Some(Reply::Panic(panic))) => prop_assert!(panic.message.len() <= LIMIT as usize),
            Ok(None) => prop_assert!(bytes.len() < 4 + LIMIT as usize),
            Err(reason) => prop_assert!(reason.starts_with("it sent "), "{}", reason),
        }
    }

    #[test]
    fn tasks_are_planned_or_refused(
        request in proptest::sample::select(REQUESTS.lines().collect::<Vec<_>>()),
        edits in edits(prop_oneof![
            proptest::sample::select(b"[]{}()<>&\",:;0129-fnu8 \\".to_vec()),
            any::<u8>(),
        ]),
    ) {
        #[derive(Deserialize)]
        struct Request {
            task: Task,
        }
        let bytes = edited(request.as_bytes(), &edits);
        if let Ok(Request { task }) = serde_json::from_slice(&bytes) {
            match Plan::to_judge(&task) {
                Ok(plan) => {
                    prop_assert!(!task.cases.is_empty());
                    prop_assert_eq!(plan.prepared.not_run("no").len(), task.cases.len());
                }
                Err(error) => prop_assert!(matches!(error, JudgeError::BadRequest(_)), "{}", error),
            }
        }
    }

    #[test]
    fn signatures_are_read_or_refused(text in ".{0,200}") {
        if let Ok(signature) = Signature::parse(&text) {
            prop_assert!(!signature.name.is_empty());
        }
    }
}
