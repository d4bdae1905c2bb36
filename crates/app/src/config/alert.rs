//! `[alert]`: who is told, and how.

use std::path::Path;

use sources::Password;

use super::fault::{Fault, Severity};
use super::file::Alert;
use super::section::Said;
use super::settings::{AlertSettings, Webhook};

pub(crate) fn settle(said: &Alert, folder: &Path, faults: &mut Vec<Fault>) -> AlertSettings {
    can_be_told(said, folder, faults);
    let token = said.webhook_token_file.get();
    let token = token.map(|file| Password::File(folder.join(&file.0)));
    let webhook = said.webhook.get().map(|url| Webhook { url: url.0.clone(), token });
    AlertSettings {
        command: said.command.get().map(|argv| argv.0.clone()),
        webhook,
        mail: said.mail.get().map(|mail| mail.0.clone()),
        repeat: said.repeat.value.0,
        patience: said.smarthost_down.value.0,
    }
}

/// What is not there now may come; `check` says it all the same, as an alert would be lost.
fn can_be_told(said: &Alert, folder: &Path, faults: &mut Vec<Fault>) {
    let mut missing = |span, what: String| {
        faults.push(Fault::maybe_at(span, what).severity(Severity::Missing));
    };
    if let Some(file) = said.webhook_token_file.said()
        && let Err(error) = Password::File(folder.join(&file.value.0)).read()
    {
        missing(file.span(), error.to_string());
    }
    if let Some(command) = said.command.said()
        && let Some(program) = command.value.0.first().map(Path::new)
        && program.is_absolute()
        && !program.is_file()
    {
        let what = format!("the program {} is not there", program.display());
        missing(Said::span(command), what);
    }
}
