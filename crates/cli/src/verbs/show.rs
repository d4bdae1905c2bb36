//! `config show`: the effective values.

use app::config::{ShownOrigin, show_toml};

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
    out.answer(&loaded.values, |values| show_toml(values, words.changed))?;
    if loaded.report.is_fatal() {
        out.tell(&loaded.report.render(app::logs::colour()));
        return Ok(Exit::Configuration);
    }
    Ok(Exit::Ok)
}
