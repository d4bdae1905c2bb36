//! `config show`: the effective values.

use std::fmt::Write as _;

use app::config::{Loaded, ShownOrigin, show_toml};

use crate::configuration;
use crate::exit::Exit;
use crate::out::Out;
use crate::words::{Config, ConfigVerb};

pub(crate) fn run(words: &Config, out: &Out) -> anyhow::Result<Exit> {
    let ConfigVerb::Show(words) = &words.what;
    let mut loaded = configuration::read(&words.file)?;
    if words.changed {
        loaded.values.retain(|value| {
            !matches!(value.origin, ShownOrigin::Default | ShownOrigin::Derived { .. })
        });
    }
    out.answer(&loaded.values, |values| {
        let greetings = greetings(&loaded, "# ");
        let gap = if greetings.is_empty() { "" } else { "\n" };
        format!("{}{gap}{greetings}", show_toml(values, words.changed))
    })?;
    if loaded.report.is_fatal() {
        out.tell(&loaded.report.render(app::logs::colour()));
        return Ok(Exit::Configuration);
    }
    Ok(Exit::Ok)
}

/// The greetings with a notice in them, each line behind `mark`.
pub(super) fn greetings(loaded: &Loaded, mark: &str) -> String {
    let mut text = String::new();
    let listeners = loaded.settings.iter().flat_map(|settings| &settings.listeners);
    for one in listeners.filter(|one| one.greeting.has_notice) {
        let version = one.greeting.version.as_ref();
        let version = version.map(|version| format!(", version {version}")).unwrap_or_default();
        let _ = writeln!(text, "{mark}greeting of {}{version}:", one.address);
        for line in one.greeting.text.lines() {
            let _ = writeln!(text, "{mark}  {line}");
        }
    }
    text
}
