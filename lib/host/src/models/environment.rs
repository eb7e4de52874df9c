//! How the environment is read: by a function, so that a test can have one of its own.

/// Reads an environment variable.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable's value without space around it; `None` where nothing is left.
pub(super) fn set(env: Env, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
