//! `optgate user`: who may log in to the gate.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use anyhow::Context as _;
use app::users::{Added, Passphrase};
use observe::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::{User, UserAdd, UserList, UserRemove, UserVerb};

/// A longer first line is no password.
const LINE_MAX: u64 = 4096;

pub(crate) fn run(user: &User, out: &Out) -> anyhow::Result<Exit> {
    match &user.what {
        UserVerb::Add(add) => self::add(add, out),
        UserVerb::Remove(remove) => self::remove(remove, out),
        UserVerb::List(list) => self::list(list, out),
    }
}

fn add(add: &UserAdd, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&add.file, out)?;
    let said = match &add.password_file {
        Some(path) => {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            first_line(file).with_context(|| path.display().to_string())?
        }
        None if io::stdin().is_terminal() => asked_for()?,
        None => first_line(io::stdin()).context("standard input")?,
    };
    let password = Passphrase::new(said.expose())?;
    let added = app::users::add(&settings.users, &add.name, &password, add.replace)?;
    let answer = serde_json::json!({
        "user": add.name,
        "file": settings.users,
        "new": added == Added::New,
    });
    out.answer(&answer, |_| {
        let what = match added {
            Added::New => "added to",
            Added::Replaced => "has a new password in",
        };
        format!("{} {what} {}\n", add.name, settings.users.display())
    })?;
    Ok(Exit::Ok)
}

fn remove(remove: &UserRemove, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&remove.file, out)?;
    app::users::remove(&settings.users, &remove.name)?;
    let answer = serde_json::json!({ "user": remove.name, "file": settings.users });
    out.answer(&answer, |_| {
        format!("{} removed from {}\n", remove.name, settings.users.display())
    })?;
    Ok(Exit::Ok)
}

fn list(list: &UserList, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&list.file, out)?;
    let names = app::users::list(&settings.users)?;
    out.answer(&names, |names| names.iter().map(|name| format!("{name}\n")).collect())?;
    Ok(Exit::Ok)
}

/// Without the end of the line; a file may end without one.
fn first_line(from: impl Read) -> io::Result<Secret<String>> {
    let mut line = String::new();
    BufReader::new(from.take(LINE_MAX)).read_line(&mut line)?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// From the terminal, without showing it.
fn asked_for() -> anyhow::Result<Secret<String>> {
    let first = unseen("Password: ")?;
    let second = unseen("Again: ")?;
    if first != second {
        return Err(Ended::error(Exit::Usage, "these were two passwords; nothing was changed"));
    }
    Ok(first)
}

fn unseen(question: &str) -> anyhow::Result<Secret<String>> {
    let input = io::stdin();
    let before = tcgetattr(&input).context("the terminal")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let mut terminal = io::stderr();
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    tcsetattr(&input, OptionalActions::Flush, &silent).context("the terminal")?;
    let line = first_line(io::stdin());
    tcsetattr(&input, OptionalActions::Now, &before).context("the terminal")?;
    terminal.write_all(b"\n")?;
    line.context("the terminal")
}
