//! What was measured: a table for people, JSON for programs.

use std::time::Duration;

/// One figure: what it is, its value, and what it should be at most.
struct Figure {
    name: &'static str,
    unit: &'static str,
    value: f64,
    aim: Option<f64>,
}

/// All of them, in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Figures {
    list: Vec<Figure>,
}

impl Figures {
    pub(crate) fn add(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.list.push(Figure { name, unit, value, aim: None });
    }

    /// With an aim: not to be more than this.
    pub(crate) fn aim(&mut self, name: &'static str, unit: &'static str, value: f64, aim: f64) {
        self.list.push(Figure { name, unit, value, aim: Some(aim) });
    }

    pub(crate) fn seconds(&mut self, name: &'static str, time: Duration) {
        self.add(name, "s", time.as_secs_f64());
    }

    /// As a table of Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = "| figure | value | aim |\n| --- | ---: | ---: |\n".to_owned();
        for Figure { name, unit, value, aim } in &self.list {
            let aim = aim.map_or(String::new(), |aim| format!("{} {unit}", number(aim)));
            text.push_str(&format!("| {name} | {} {unit} | {aim} |\n", number(*value)));
        }
        text
    }

    /// As an object of name and value; the unit ends the name.
    pub(crate) fn json(&self) -> String {
        let members = self.list.iter().map(|Figure { name, unit, value, .. }| {
            let words = format!("{name} {unit}").replace(|c: char| !c.is_alphanumeric(), " ");
            let key = words.split_whitespace().collect::<Vec<_>>().join("_");
            format!("  \"{}\": {value}", key.to_lowercase())
        });
        format!("{{\n{}\n}}", members.collect::<Vec<_>>().join(",\n"))
    }
}

/// Whole numbers from 100 on, else two decimals.
fn number(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
