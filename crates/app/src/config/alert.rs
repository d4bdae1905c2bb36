//! `[alert]`: who is told, and how.

use std::path::Path;
use std::time::Duration;

use sources::Password;

use super::fault::{Fault, Severity};
use super::form::{FilePath, Form};
use super::quantity::Span;
use super::recipient::{Argv, MailAddress, WebUrl};
use super::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section,
};
use super::settings::{AlertSettings, Webhook};

const fn seconds(n: u64) -> Span {
    Span(Duration::from_secs(n))
}

section! {
    /// Who is told when something is wrong: a list grows stale or cannot be read, mail is deferred because a list is unknown, the smarthost or a milter is down; and when it is in order again.
    Alert = "alert", one {
        /// A program and its arguments, run for each message: without a shell, with OPTGATE_ALERT_EVENT, _ABOUT and _TEXT in its environment and all of it as JSON on its standard input.
        command: Argv = without("[\"/usr/local/bin/page\", \"--mail-team\"]", "none"),
        /// A URL to which the message is posted as JSON. Its member "text" is what chat programs show.
        webhook: WebUrl = without("\"https://chat.corp.example/hooks/mail\"", "none"),
        /// A file whose first line is sent to the webhook as a bearer token.
        webhook_token_file: FilePath = without("\"/etc/optgate/webhook.token\"", "no token"),
        /// An address to which it is mailed, through the smarthost and past the gates.
        mail: MailAddress = without("\"postmaster@corp.example\"", "none"),
        /// After how long a trouble that lasts is told again.
        repeat: Span = default(seconds(86_400)),
        /// How long the smarthost, or a milter, must be down before that is told.
        smarthost_down: Span = default(seconds(60)),
    }
}

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
