//! The command `optgate`: words typed, one call each.

mod configuration;
mod count;
mod exit;
mod files;
mod out;
mod progress;
#[cfg(test)]
mod reference;
mod shown;
mod table;
mod verbs;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;
use crate::out::Out;
use crate::words::{Optgate, Verb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words = match Optgate::try_parse() {
        Ok(words) => words,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return code.into();
        }
    };
    let out = Out::new(&words.global);
    match run(words, &out) {
        Ok(exit) => exit.into(),
        Err(error) => {
            out.error(&error);
            Exit::of(&error).into()
        }
    }
}

fn run(words: Optgate, out: &Out) -> anyhow::Result<Exit> {
    match words.verb {
        Verb::Demo(demo) => verbs::demo::run(demo, out),
        Verb::Init(init) => verbs::init::run(&init, out),
        Verb::Serve(serve) => verbs::serve::run(&serve, out),
        Verb::Reload(reload) => verbs::reload::run(&reload.what, out),
        Verb::Check(check) => verbs::check::run(&check, out),
        Verb::Config(config) => verbs::show::run(&config, out),
        Verb::Status(status) => verbs::status::run(&status, out),
        Verb::Source(source) => verbs::source::run(source, out),
        Verb::Metrics(metrics) => verbs::source::metrics(&metrics, out),
        Verb::Optout(optout) => verbs::optout::run(optout, out),
        Verb::Consent(consent) => verbs::consent::run(consent, out),
        Verb::Dkim(words) => verbs::dkim::run(&words, out),
        Verb::User(user) => verbs::user::run(&user, out),
        Verb::Ledger(ledger) => verbs::ledger::run(ledger, out),
        Verb::Backup(backup) => verbs::backup::run(&backup, out),
        Verb::Restore(restore) => verbs::backup::restore(&restore, out),
        Verb::Evidence(evidence) => verbs::evidence::run(evidence, out),
        Verb::Why(why) => verbs::why::run(&why, out),
        Verb::Replay(replay) => verbs::replay::run(&replay, out),
        Verb::Report(report) => verbs::report::run(&report, out),
        Verb::RelayTest(words) => verbs::relay_test::run(words, out),
        Verb::Sink(sink) => verbs::sink::run(sink, out),
        Verb::Completions(shell) => verbs::completions::run(&shell, out),
    }
}
