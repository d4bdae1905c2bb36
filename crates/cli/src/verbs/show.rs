//! `config show`: the effective values.

use std::fmt::Write as _;

use app::config::{Loaded, ShownOrigin, ShownValue, show_toml};
use serde::Serialize;

use crate::configuration;
use crate::exit::Exit;
use crate::out::Out;
use crate::words::{Config, ConfigVerb};

/// A value for programs; of a listener's `notice` what clients are greeted with too.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    value: &'a ShownValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<&'a str>,
}

fn rows(loaded: &Loaded) -> Vec<Row<'_>> {
    let greeting = |value: &ShownValue| {
        let index = value.index.filter(|_| (value.section, value.key) == ("listener", "notice"))?;
        Some(loaded.settings.as_ref()?.listeners.get(index)?.greeting.text.as_str())
    };
    loaded.values.iter().map(|value| Row { value, greeting: greeting(value) }).collect()
}

pub(crate) fn run(words: &Config, out: &Out) -> anyhow::Result<Exit> {
    let ConfigVerb::Show(words) = &words.what;
    let mut loaded = configuration::read(&words.file)?;
    if words.changed {
        loaded.values.retain(|value| {
            !matches!(value.origin, ShownOrigin::Default | ShownOrigin::Derived { .. })
        });
    }
    out.answer(&rows(&loaded), |_| {
        let greetings = greetings(&loaded, "# ");
        let gap = if greetings.is_empty() { "" } else { "\n" };
        format!("{}{gap}{greetings}", show_toml(&loaded.values, words.changed))
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
