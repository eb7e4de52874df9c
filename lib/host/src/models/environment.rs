//! Reads the environment through a function, so that a test can supply its own.

/// Reads an environment variable.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns a variable's value without surrounding space; `None` if nothing is left.
pub(super) fn set(env: Env, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
