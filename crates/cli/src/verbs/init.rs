//! `init`: a commented configuration, never over an existing file.

use std::io::Write;

use app::config::{Surroundings, TemplateAnswers, load_text, template};

use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::Init;

pub(crate) fn run(words: &Init, out: &Out) -> anyhow::Result<Exit> {
    let text = template(&TemplateAnswers {
        smarthost: words.smarthost.clone(),
        listen: words.listen.clone(),
        allow: words.allow.clone(),
        csv: words.csv.clone(),
    });
    let path = &words.path;
    // What was typed must make a right file; a list that is not there yet may come.
    let loaded = load_text(path, &text, &Surroundings::of_this_process());
    if loaded.report.is_fatal() {
        out.tell(&loaded.report.render(app::logs::colour()));
        return Err(Ended::error(Exit::Usage, "nothing was written"));
    }
    if path.as_os_str() == "-" {
        out.print(&text)?;
        return Ok(Exit::Ok);
    }
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    if let Err(error) = written {
        let exit = match error.kind() {
            std::io::ErrorKind::AlreadyExists => Exit::No,
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Unavailable,
        };
        let what = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                "it is there already, and was left as it is".to_owned()
            }
            _ => error.to_string(),
        };
        return Err(Ended::error(exit, format!("{}: {what}", path.display())));
    }
    let answer = serde_json::json!({ "written": path.display().to_string() });
    out.answer(&answer, |_| {
        let path = path.display();
        let mut text = format!("{path} is written.\n");
        if words.smarthost.is_none() {
            text.push_str("  edit:   [smarthost] address, the mail server that is there now\n");
        }
        text.push_str(&format!("  check:  optgate check --config {path}\n"));
        text.push_str(&format!("  run:    optgate serve --config {path}\n"));
        text
    })?;
    Ok(Exit::Ok)
}
