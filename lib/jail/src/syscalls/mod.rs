//! seccomp: which system calls a stage may make.
//!
//! The run stage has an allow-list: what is not named fails with `EPERM`. The compile stage runs
//! rustc and a linker of the system, whose calls differ between distributions, so it has a deny-list,
//! closed at the top: a call that is newer than the list fails with `ENOSYS`, like one that the
//! kernel does not have.
//!
//! # The one exec
//!
//! The filter comes last before `execve`, so it has to let that one pass, and none after it. It
//! cannot read a path (a filter sees pointers, not what they point to), and a pointer's value could be
//! reproduced by the program. So the exec carries a password: `execve` takes three arguments, a
//! filter sees six, and the kernel ignores the rest. The filter demands three random words there. They
//! are drawn once in the host, live only in its memory and in the child until exec; exec
//! replaces memory and registers, and a program can read neither its filter nor the host. Landlock,
//! where there is one, denies executing any other file as well.

mod compile;
mod run;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

use crate::jail::Stage;

/// A filter, compiled, with the place where the child writes its own process id.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) program: BpfProgram,
    pub(crate) own_pid_at: usize,
    pub(crate) password: [u64; 3],
}

/// Stands for the child's process id, which is known only after the fork. No process id is this
/// large (the kernel's maximum is 2^22).
const OWN_PID: u32 = 0x7fff_5a5a;

/// The newest call that the lists take into account; also below every number of the x32 interface.
const NEWEST: i64 = libc::SYS_set_mempolicy_home_node;

/// The filter of a stage, compiled once a process.
///
/// # Errors
/// The machine's architecture has no filter, or there is no randomness for the password.
pub(crate) fn filter(stage: Stage) -> Result<Filter, String> {
    static RUN: OnceLock<Result<Filter, String>> = OnceLock::new();
    static COMPILE: OnceLock<Result<Filter, String>> = OnceLock::new();
    let (cell, make): (_, fn() -> Result<Filter, String>) = match stage {
        Stage::Run => (&RUN, run::filter),
        Stage::Compile => (&COMPILE, compile::filter),
    };
    cell.get_or_init(make).clone()
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// One condition on an argument: its index from 0, its width, the comparison, the value.
type Condition = (u8, Width, Op, u64);

fn rule(conditions: &[Condition]) -> Result<SeccompRule, String> {
    let conditions = conditions
        .iter()
        .map(|(argument, width, op, value)| {
            SeccompCondition::new(*argument, width.clone(), op.clone(), *value)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    SeccompRule::new(conditions).map_err(|error| error.to_string())
}

/// `argument == value`, comparing 32 bits, as the kernel reads an `int`.
fn is(argument: u8, value: impl Into<i64>) -> Condition {
    (argument, Width::Dword, Op::Eq, value.into() as u32 as u64)
}

/// `argument & mask == value`.
fn bits(argument: u8, mask: impl Into<i64>, value: impl Into<i64>) -> Condition {
    (argument, Width::Qword, Op::MaskedEq(mask.into() as u64), value.into() as u64)
}

fn null(argument: u8) -> Condition {
    (argument, Width::Qword, Op::Eq, 0)
}

/// Compiles the rules, behind a prologue that answers `ENOSYS` to calls beyond [`NEWEST`] (among them
/// all of x32's, which seccompiler does not look for) and to `clone3`, whose flags a filter cannot
/// see: glibc then falls back to `clone`.
fn assemble(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    password: [u64; 3],
) -> Result<Filter, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|_| {
        format!("there is no seccomp filter for {} processors", std::env::consts::ARCH)
    })?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch)
        .map_err(|error| format!("the seccomp filter is wrong: {error}"))?;
    let compiled: BpfProgram =
        filter.try_into().map_err(|error| format!("the seccomp filter is wrong: {error}"))?;

    // The numbers of classic BPF: load a word, jump, return.
    let load = |at| sock_filter { code: 0x20, jt: 0, jf: 0, k: at };
    let jump_if_greater = |k, jt| sock_filter { code: 0x25, jt, jf: 0, k };
    let jump_if_equal = |k, jt| sock_filter { code: 0x15, jt, jf: 0, k };
    let jump = |k| sock_filter { code: 0x05, jt: 0, jf: 0, k };
    let answer = |k| sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let mut program = vec![
        load(0), // the call's number
        jump_if_greater(NEWEST as u32, 2),
        jump_if_equal(libc::SYS_clone3 as u32, 1),
        jump(1),
        answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ];
    program.extend(compiled);

    let own_pid_at = program
        .iter()
        .position(|instruction| instruction.k == OWN_PID)
        .ok_or("the seccomp filter has no place for the process id")?;
    Ok(Filter { program, own_pid_at, password })
}

/// Three random words whose halves differ from [`OWN_PID`].
fn password() -> Result<[u64; 3], String> {
    let mut words = [0_u64; 3];
    let length = size_of_val(&words);
    // SAFETY: `words` is writable for `length` bytes, and any bytes make valid integers.
    let filled = unsafe { libc::getrandom(words.as_mut_ptr().cast(), length, 0) };
    if usize::try_from(filled) != Ok(length) {
        return Err(format!("no randomness: {}", std::io::Error::last_os_error()));
    }
    Ok(words.map(|word| word | 0x8000_0000_8000_0000))
}
