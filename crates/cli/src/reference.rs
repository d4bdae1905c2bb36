//! `docs/commands.md`: the help of every verb, as it is printed. A test holds the file
//! against the program.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::words::Optgate;

const HEAD: &str = "# The commands\n\n\
Made from the program's own help; `OPTGATE_BLESS=1 cargo test -p cli` writes it anew.\n";

fn reference() -> String {
    let mut out = HEAD.to_owned();
    let mut command = Optgate::command().term_width(100);
    command.build();
    section(&mut out, &mut command, "optgate");
    out
}

fn section(out: &mut String, command: &mut Command, name: &str) {
    // The environment of whoever runs the test is no part of the document.
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    let _ = writeln!(out, "\n## `{name}`\n\n```text\n{}\n```", lines.join("\n").trim_end());
    for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        let name = format!("{name} {}", verb.get_name());
        section(out, verb, &name);
    }
}

#[test]
fn the_commands_in_docs_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let made = reference();
    if std::env::var_os("OPTGATE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "docs/commands.md is old; OPTGATE_BLESS=1 cargo test -p cli");
}
