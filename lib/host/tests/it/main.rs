//! The host from outside: real compilers, real jails.

mod bombs;
mod command_line;
mod compile_attacks;
mod forgeries;
mod outcomes;
mod population;
mod serve;
mod support;
mod types;
