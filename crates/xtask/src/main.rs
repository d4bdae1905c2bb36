//! The chores of this workspace: `cargo xtask test`, `layers`, `tidy`, `bench`.
//!
//! A chore is a program and not a shell script so that it can have tests of its
//! own: a check that cannot fail proves nothing. Nothing here is part of the
//! product, and nothing of the product depends on it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "chores talk to a person, and wait for the processes they start"
)]

mod bench;
mod layers;
mod processes;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the optgate workspace")]
struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what the tests need, build, and run all of them
    Test(test::Options),
    /// Measure optgate against direct delivery, HAProxy and Postfix
    Bench(Box<bench::Options>),
    /// Hold the crate table of ARCHITECTURE.md against what cargo sees
    Layers,
    /// Look for what STYLE forbids: long files, empty names, circles of files
    Tidy,
}

fn main() -> ExitCode {
    let result = match Words::parse().verb {
        Verb::Test(options) => test::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Layers => layers::run(),
        Verb::Tidy => tidy::run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
