//! If a layer of the jail is missing, nothing is compiled and nothing runs.

use std::collections::BTreeMap;
use std::fs;

use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::program::Program;
use code_evolution_wire::task::Task;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::support::{judge, options};

/// Makes the kernel refuse a system call to this thread and all its children, as a container might.
fn refuse(call: i64) {
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(1),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[test]
fn without_a_layer_nothing_runs() {
    for (layer, call) in
        [("Landlock", libc::SYS_landlock_create_ruleset), ("seccomp", libc::SYS_seccomp)]
    {
        let temporary = tempfile::tempdir().unwrap();
        judge();
        let options = Options { temporary: temporary.path().to_owned(), ..options() };
        let judge = Judge::with(options).unwrap();
        let under_refusal = move || {
            refuse(call);
            let task = Task::new("fn one() -> u8").case((), 1);
            let codes = vec!["fn one() -> u8 { 1 }".to_owned(); 3];
            let all = judge.judge_all(&task, &codes, &|_| {});
            let program = judge.execute(&Program::new("fn main() {}"));
            (judge.judge(&task, &codes[0]).err(), all.err(), program.err())
        };
        // The kernel refuses the call only to this thread and its children.
        let (one, all, program) = std::thread::spawn(under_refusal).join().unwrap();
        for error in [one, all, program] {
            match error {
                Some(JudgeError::NoSandbox(reason)) => assert!(reason.contains(layer), "{reason}"),
                other => panic!("without {layer}: {other:?}"),
            }
        }
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "a folder is left");
    }
}
