//! The host's command line.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use code_evolution_host::commands::{self, UsageError};
use lexopt::{Arg, Parser};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.is::<UsageError>() {
                true => {
                    eprint!("\n{}", commands::USAGE);
                    ExitCode::from(2)
                }
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let mut arguments = Parser::from_env();
    match arguments.next().map_err(UsageError::from)? {
        Some(Arg::Value(command)) => match command.to_str() {
            Some("serve") => commands::serve::run(arguments),
            Some("judge") => commands::judge::run(arguments),
            Some("exec") => commands::exec::run(arguments),
            Some("doctor") => commands::doctor::run(arguments),
            Some("audit") => return commands::audit::run(arguments),
            Some("toolbox") => commands::toolbox::run(arguments),
            Some("prepare") => commands::prepare::run(arguments),
            _ => {
                let command = command.to_string_lossy();
                Err(UsageError(format!("there is no command `{command}`")).into())
            }
        },
        Some(Arg::Long("help") | Arg::Short('h')) => {
            print!("{}", commands::USAGE);
            Ok(())
        }
        Some(other) => Err(UsageError::from(other.unexpected()).into()),
        None => Err(UsageError("no command given".to_owned()).into()),
    }
    .map(|()| ExitCode::SUCCESS)
}
