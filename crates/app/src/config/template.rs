//! The commented file that `init` writes: what must be said is said, everything else
//! stands there as a comment with its default.

use std::fmt::Write as _;

use super::file::sections;
use super::section::{KeyInfo, Rule, SectionInfo};

/// What `init` was told on the command line.
#[derive(Clone, Debug, Default)]
pub struct TemplateAnswers {
    /// `[smarthost] address`
    pub smarthost: Option<String>,
    /// `[[listener]] address`
    pub listen: Option<String>,
    /// `[[listener]] allow`
    pub allow: Vec<String>,
    /// `[[source]] csv`
    pub csv: Option<String>,
}

/// The text of a configuration file.
pub fn template(answers: &TemplateAnswers) -> String {
    let mut out = String::from(
        "# The configuration of optgate. Every key has a default but [smarthost] address;\n\
         # what is commented out shows the default, or an example.\n\
         # Check it:      optgate check --config THIS-FILE\n\
         # Run it:        optgate serve --config THIS-FILE\n\
         # All about it:  docs/configuration.md\n",
    );
    for section in sections() {
        let given = |key: &KeyInfo| answer(answers, section.name, key.name);
        // A source is written only when there is one; the rest of it is an example.
        let active = !section.many
            || matches!(section.name, "listener" | "smarthost")
            || section.keys.iter().any(|key| given(key).is_some());
        write_section(&mut out, &section, active, given);
    }
    out
}

fn answer(answers: &TemplateAnswers, section: &str, key: &str) -> Option<String> {
    let quoted = super::form::quoted;
    match (section, key) {
        ("smarthost", "address") => {
            Some(quoted(answers.smarthost.as_deref().unwrap_or("relay.corp.example:587")))
        }
        ("listener", "address") => {
            Some(quoted(answers.listen.as_deref().unwrap_or("127.0.0.1:2525")))
        }
        ("listener", "allow") if !answers.allow.is_empty() => {
            let nets: Vec<_> = answers.allow.iter().map(|n| quoted(n)).collect();
            Some(format!("[{}]", nets.join(", ")))
        }
        ("source", "name") => answers.csv.as_deref().map(|csv| {
            let stem =
                std::path::Path::new(csv).file_stem().map(|s| s.to_string_lossy().into_owned());
            let stem = stem.filter(|s| super::naming::SourceName::is_plain(s));
            quoted(stem.as_deref().unwrap_or("list"))
        }),
        ("source", "csv") => answers.csv.as_deref().map(quoted),
        _ => None,
    }
}

fn write_section(
    out: &mut String,
    section: &SectionInfo,
    active: bool,
    given: impl Fn(&KeyInfo) -> Option<String>,
) {
    let _ = writeln!(out);
    for line in section.doc.lines() {
        let _ = writeln!(out, "#{line}");
    }
    let mark = if active { "" } else { "# " };
    // One smarthost is what nearly everybody has.
    let _ = match section.many && section.name != "smarthost" {
        true => writeln!(out, "{mark}[[{}]]", section.name),
        false => writeln!(out, "{mark}[{}]", section.name),
    };
    for key in &section.keys {
        for line in wrap(key.doc.trim(), 86) {
            let _ = writeln!(out, "# {line}");
        }
        let _ = match (given(key), &key.rule) {
            (Some(value), _) => writeln!(out, "{} = {value}", key.name),
            (None, Rule::Default(value)) => writeln!(out, "#{} = {value}", key.name),
            (None, Rule::Required(example)) => writeln!(out, "#{} = {example}", key.name),
            (None, Rule::Without(example, without)) => {
                writeln!(out, "#{} = {example}   # without: {without}", key.name)
            }
        };
    }
}

/// Text in lines of at most `width` characters, broken at spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|l| !l.is_empty() && l.len() + 1 + word.len() > width);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
