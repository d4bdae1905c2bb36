//! `reload`: the running gate goes by the configuration file as it is now.

use app::clerk::Reloaded;
use app::{AppError, control};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigOnly;

pub(crate) fn run(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let loaded = configuration::read(&words.file)?;
    let Some(socket) = &loaded.control else {
        out.tell(&loaded.report.render(app::logs::colour()));
        let why =
            "the configuration does not say where the gate's control socket is; nothing was done";
        return Err(Ended::error(Exit::Configuration, why));
    };
    match control::reload(socket) {
        Ok(reloaded) => {
            out.answer(&reloaded, text)?;
            Ok(Exit::Ok)
        }
        // In the words of `check`, which the gate has used.
        Err(AppError::Gate { message, fault }) => {
            let ended = Exit::of(&AppError::Gate { message: String::new(), fault }.into());
            if out.is_json() {
                return Err(Ended::error(ended, message.trim_end()));
            }
            out.tell(&message);
            Err(Ended::error(ended, "refused; the gate goes on with the configuration it had"))
        }
        Err(error) => Err(error.into()),
    }
}

fn text(reloaded: &Reloaded) -> String {
    let mut text = String::new();
    for warning in &reloaded.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    let file = &reloaded.file;
    if reloaded.changed.is_empty() {
        text.push_str(&format!("{file}: nothing changed; what it names was read again\n"));
        return text;
    }
    text.push_str(&format!("{file}: in force for new sessions\n"));
    for changed in &reloaded.changed {
        text.push_str(&format!("  {changed}\n"));
    }
    text
}
