//! `completions`: for the shell.

use clap::CommandFactory;

use crate::exit::Exit;
use crate::out::Out;
use crate::words::{Completions, Optgate};

pub(crate) fn run(words: &Completions, out: &Out) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(words.shell, &mut Optgate::command(), "optgate", &mut script);
    out.print_bytes(&script)?;
    Ok(Exit::Ok)
}
