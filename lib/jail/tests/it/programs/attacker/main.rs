//! The attacks, as a separate program: `attacker NAME [PARAMETER]...` tries one and prints `got: ..` or
//! `denied: ..`. Plain rustc compiles it, without crates, and links it statically.
//!
//! It avoids damage if the jail has a hole: signals have number 0 (which only checks the permission), and
//! bombs count their steps.

mod files;
mod honest;
mod kernel;
mod limits;
mod memory;
mod network;
mod parts;
mod processes;

use std::io::{self, Read};
use std::time::Duration;
use std::{env, fs, thread};

/// What an attack got, or how it was denied.
type Outcome = io::Result<String>;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let parameter = |at: usize| arguments.get(at).cloned().unwrap_or_default();
    let target = Target {
        secret: parameter(2),
        folder: parameter(3),
        host: parameter(4).parse().unwrap_or(0),
        port: parameter(5),
    };
    match attack(&arguments[1], &target) {
        Ok(what) => println!("got: {what}"),
        Err(error) => println!("denied: {error}"),
    }
}

struct Target {
    /// A readable file outside the jail, in a folder that stands for a home folder.
    secret: String,
    /// The folder of the secret file.
    folder: String,
    /// The process outside that started the jail.
    host: i64,
    /// A port on which the host listens.
    port: String,
}

fn attack(name: &str, target: &Target) -> Outcome {
    let kinds = [
        files::attack,
        network::attack,
        processes::attack,
        memory::attack,
        parts::attack,
        limits::attack,
        honest::attack,
    ];
    let outcome = kinds.into_iter().find_map(|kind| kind(name, target).transpose());
    outcome.unwrap_or_else(|| panic!("there is no attack {name}"))
}

fn done(what: &str) -> Outcome {
    Ok(what.to_owned())
}

fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

fn read(path: &str) -> Outcome {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(4096).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
