//! `[alert]`: who is told, and how.

use std::path::Path;

use sources::Password;

use super::file::Alert;
use super::settings::{AlertSettings, Webhook};

pub(crate) fn settle(said: &Alert, folder: &Path) -> AlertSettings {
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
