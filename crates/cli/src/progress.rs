//! A bar on a terminal while a long piece of work goes on.

use app::import::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::out::Out;

/// Shows how far it is; nothing when nobody looks.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(crate) fn new(out: &Out) -> Self {
        if !out.shows_progress() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        let style = "{bar:40} {percent:>3}%  {msg}  {elapsed}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    pub(crate) fn show(&self, at: Progress) {
        if let Some(bar) = &self.0 {
            bar.set_length(at.total);
            bar.set_position(at.done);
            bar.set_message(format!("{} rows", at.rows));
        }
    }
}

impl Bar {
    /// Takes it off the terminal, so that an answer can be printed.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
