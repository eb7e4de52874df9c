//! Candidates that stay alive for many calls.

use std::time::Duration;

use code_evolution_host::judge::{Judge, Options};
use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::toolbox::Capability;
use serde_json::{Value, json};

use crate::processes::{states_and_ticks, thread_named};
use crate::support::{judge, options};
use crate::toolbox::{admitted, proposal, toolbox};

#[test]
fn an_output_limit_of_u64_max_does_not_overflow() {
    let limits = Limits { output_bytes: u64::MAX, ..Limits::default() };
    let task = Task::new("fn double(n: u32) -> u32").limits(limits);
    let mut resident = judge().resident(&task, "fn double(n: u32) -> u32 { n * 2 }").unwrap();
    assert_eq!(resident.call(&json!([21])).unwrap(), json!(42));
}

#[test]
fn without_the_scan_nothing_is_refused() {
    let task = Task::new("fn f() -> u8");
    let code = "fn f() -> u8 { unsafe { std::mem::zeroed() } }";
    assert!(judge().resident(&task, code).is_err());
    let judge = Judge::with(Options { scan: false, ..options() }).unwrap();
    let mut resident = judge.resident(&task, code).unwrap();
    assert_eq!(resident.call(&json!([])).unwrap(), json!(0));
}

#[test]
fn a_tool_does_nothing_between_its_calls() {
    let (_folder, toolbox) = toolbox();
    let code = "use std::sync::Once;
        use std::sync::atomic::{AtomicU64, Ordering};
        static DONE: AtomicU64 = AtomicU64::new(0);
        static STARTED: Once = Once::new();
        fn busy() -> u64 {
            STARTED.call_once(|| {
                let thread = std::thread::Builder::new().name(\"goes-on-4712\".into());
                thread.spawn(|| loop { DONE.fetch_add(1, Ordering::Relaxed); }).unwrap();
            });
            DONE.load(Ordering::Relaxed)
        }";
    let task = Task::new("fn busy() -> u64").input(());
    let can = proposal(task, code).may(Capability::State).may(Capability::Threads);
    admitted(&toolbox, &can);
    let call = || -> u64 {
        let count: Value = toolbox.call("busy", &json!([])).expect("a count");
        count.as_u64().expect("a number")
    };
    let pid = loop {
        call();
        if let Some(pid) = thread_named("goes-on-4712") {
            break pid;
        }
    };
    // The signal may not have reached every thread yet.
    let stopped = || states_and_ticks(pid).0.bytes().all(|state| state == b'T');
    assert!((0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        stopped()
    }));
    let (_, before) = states_and_ticks(pid);
    std::thread::sleep(Duration::from_millis(100));
    let (states, after) = states_and_ticks(pid);
    assert_eq!((before, states.trim_matches('T')), (after, ""), "it goes on between calls");
    while call() == 0 {}
    assert_eq!(thread_named("goes-on-4712"), Some(pid), "the same process goes on in a call");
}

#[test]
fn a_tool_with_much_memory_is_not_kept() {
    let (_folder, toolbox) = toolbox();
    let code = "fn hold(n: usize) -> usize {
        let (started, starts) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name(\"holds-4713\".into());
        thread.spawn(move || { started.send(()).unwrap(); loop { std::thread::park() } }).unwrap();
        starts.recv().unwrap();
        std::hint::black_box(vec![1_u8; n]).len()
    }";
    let task = Task::new("fn hold(n: usize) -> usize").case((1,), 1);
    admitted(&toolbox, &proposal(task, code).may(Capability::Threads));
    assert_eq!(toolbox.call("hold", &json!([1])).expect("a count"), json!(1));
    assert!(thread_named("holds-4713").is_some(), "a modest process stays");
    assert_eq!(toolbox.call("hold", &json!([100 << 20])).expect("a count"), json!(100 << 20));
    assert_eq!(thread_named("holds-4713"), None, "a large process stays");
}
