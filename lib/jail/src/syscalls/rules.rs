//! Rules on a call's number and arguments, and their compilation.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

/// A compiled filter, and the place where the child writes its own process id.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) program: BpfProgram,
    pub(crate) own_pid_at: usize,
    pub(crate) password: [u64; 3],
}

/// A placeholder for the child's process id, which is known only after the fork. No process id is this
/// large (the kernel's maximum is 2^22).
pub(super) const OWN_PID: u32 = 0x7fff_5a5a;

/// The newest call that the lists cover; it is below every number of the x32 interface.
pub(super) const NEWEST: i64 = libc::SYS_set_mempolicy_home_node;

/// One condition on an argument: its index from 0, its width, the comparison, the value.
type Condition = (u8, Width, Op, u64);

/// Requires `argument == value`, comparing 32 bits, as the kernel reads an `int`.
pub(super) fn is(argument: u8, value: impl Into<i64>) -> Condition {
    (argument, Width::Dword, Op::Eq, value.into() as u32 as u64)
}

/// Requires `argument != value`, comparing 32 bits.
pub(super) fn is_not(argument: u8, value: impl Into<i64>) -> Condition {
    (argument, Width::Dword, Op::Ne, value.into() as u32 as u64)
}

/// Requires `argument & mask == value`.
pub(super) fn bits(argument: u8, mask: impl Into<i64>, value: impl Into<i64>) -> Condition {
    (argument, Width::Qword, Op::MaskedEq(mask.into() as u64), value.into() as u64)
}

/// Requires `argument == value`, comparing 64 bits.
pub(super) fn word(argument: u8, value: u64) -> Condition {
    (argument, Width::Qword, Op::Eq, value)
}

pub(super) fn null(argument: u8) -> Condition {
    word(argument, 0)
}

pub(super) fn not_null(argument: u8) -> Condition {
    (argument, Width::Qword, Op::Ne, 0)
}

/// The calls that a filter looks for.
pub(super) struct Rules(BTreeMap<i64, Vec<SeccompRule>>);

impl Rules {
    /// Creates rules for these calls, whatever their arguments.
    pub(super) fn of(calls: &[i64]) -> Self {
        Rules(calls.iter().map(|call| (*call, Vec::new())).collect())
    }

    /// Adds a call for which all these conditions hold.
    pub(super) fn add(&mut self, call: i64, conditions: &[Condition]) -> Result<(), String> {
        let conditions = conditions
            .iter()
            .map(|(argument, width, op, value)| {
                SeccompCondition::new(*argument, width.clone(), op.clone(), *value)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        let rule = SeccompRule::new(conditions).map_err(|error| error.to_string())?;
        self.0.entry(call).or_default().push(rule);
        Ok(())
    }

    /// Compiles the rules. A prologue answers `ENOSYS` to calls beyond [`NEWEST`] (including all of x32's,
    /// which seccompiler does not check) and to `clone3`, whose flags a filter cannot see; glibc then falls
    /// back to `clone`.
    pub(super) fn compile(
        self,
        otherwise: SeccompAction,
        matched: SeccompAction,
        password: [u64; 3],
    ) -> Result<Filter, String> {
        let arch = std::env::consts::ARCH.try_into().map_err(|_| {
            format!("there is no seccomp filter for {} processors", std::env::consts::ARCH)
        })?;
        let filter = SeccompFilter::new(self.0, otherwise, matched, arch)
            .map_err(|error| format!("the seccomp filter is invalid: {error}"))?;
        let compiled: BpfProgram =
            filter.try_into().map_err(|error| format!("the seccomp filter is invalid: {error}"))?;

        // The opcodes of classic BPF: load a word, jump, return.
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
}
