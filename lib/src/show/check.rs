//! Checks that print ✅ or ❌.
//!
//! After a panic or a failed `assert!`, a cell of the kernel still looks fine, and the cell's variables are
//! lost. So a notebook checks itself with [`check!`](crate::check), which prints one line and goes on. A
//! run without a person searches the output for ❌.

use crate::inert;

/// Prints `✅ what` if the condition holds and `❌ what` if not.
///
/// Without a message the condition itself is the message. To see both sides of a comparison that
/// fails, use [`check_eq!`](crate::check_eq).
///
/// ```
/// use code_evolution::check;
/// let scores = [3, 5];
/// check!(scores.is_sorted());
/// check!(scores[1] > 4, "the best score is {}", scores[1]);
/// ```
#[macro_export]
macro_rules! check {
    ($condition:expr $(,)?) => {
        $crate::show::check::report($condition, stringify!($condition), None)
    };
    ($condition:expr, $($what:tt)+) => {
        $crate::show::check::report($condition, &format!($($what)+), None)
    };
}

/// Prints `✅ what` if both values are equal, and `❌ what: got .., expected ..` if not.
///
/// ```
/// use code_evolution::check_eq;
/// check_eq!(1 + 1, 2, "addition");
/// ```
#[macro_export]
macro_rules! check_eq {
    ($got:expr, $expected:expr $(,)?) => {
        $crate::check_eq!($got, $expected, "{}", stringify!($got))
    };
    ($got:expr, $expected:expr, $($what:tt)+) => {
        match (&$got, &$expected) {
            (got, expected) => $crate::show::check::report(
                *got == *expected,
                &format!($($what)+),
                Some(format!("got {got:?}, expected {expected:?}")),
            ),
        }
    };
}

/// Grades an exercise: prints `✅ what` if the condition holds; else prints what to do, without calling it a
/// failure.
///
/// ```
/// use code_evolution::exercise;
/// let answer = 42;
/// exercise!(answer == 42, "you found the answer", "change `answer`");
/// ```
#[macro_export]
macro_rules! exercise {
    ($condition:expr, $what:expr, $todo:expr $(,)?) => {
        $crate::show::check::grade($condition, $what, $todo)
    };
}

/// Prints the line of [`exercise!`](crate::exercise).
#[doc(hidden)]
pub fn grade(solved: bool, what: &str, todo: &str) {
    match solved {
        true => println!("{}", line(true, what, None)),
        false => println!("✏️ to do: {}", inert::line(todo)),
    }
}

/// Prints the line of a check.
#[doc(hidden)]
pub fn report(holds: bool, what: &str, problem: Option<String>) {
    println!("{}", line(holds, what, problem.as_deref()));
}

fn line(holds: bool, what: &str, problem: Option<&str>) -> String {
    let what = inert::line(what);
    match (holds, problem) {
        (true, _) => format!("✅ {what}"),
        (false, None) => format!("❌ {what}"),
        (false, Some(problem)) => format!("❌ {what}: {}", inert::line(problem)),
    }
}

/// Makes every later panic print one line instead of a stack trace. The kernel turns stack traces on, and
/// fifteen lines of frames do not help a beginner with a first panic.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| eprintln!("{}", panic_line(panic.payload()))));
}

fn panic_line(payload: &dyn std::any::Any) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("panicked: {}", inert::line(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line() {
        assert_eq!(line(true, "sorted", Some("unused")), "✅ sorted");
        assert_eq!(line(false, "two\nlines", None), "❌ two⏎lines");
        assert_eq!(line(false, "sum", Some("got 3, expected 4")), "❌ sum: got 3, expected 4");
    }

    #[test]
    fn a_panic_is_one_harmless_line() {
        let payload = "EVCXR_INPUT_REQUEST:key\n\u{1b}[2J".to_owned();
        assert_eq!(panic_line(&payload), r"panicked: EVCXR-INPUT_REQUEST:key⏎\u{1b}[2J");
        assert_eq!(panic_line(&5), "panicked: no message");
    }
}
