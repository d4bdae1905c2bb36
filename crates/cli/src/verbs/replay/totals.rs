//! What came of it, by stream.

use std::collections::BTreeMap;

use app::clerk::{JudgedLine, VerdictWord};
use serde::Serialize;

use crate::exit::Exit;
use crate::out::Out;
use crate::shown::counted;

/// Of one stream, or of those that a header would tell apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    stream: String,
    permit: u64,
    refuse: u64,
    defer: u64,
    provisional: u64,
    /// The lists that would refuse, with how many.
    lists: BTreeMap<String, u64>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Totals {
    recipients: u64,
    invalid: u64,
    streams: Vec<Counts>,
}

impl Totals {
    pub(super) fn recipient(&mut self) {
        self.recipients += 1;
    }

    pub(super) fn unusable(&mut self, rows: u64) {
        self.invalid += rows;
    }

    /// Whether anything was an address.
    pub(super) fn any(&self) -> bool {
        !self.streams.is_empty()
    }

    pub(super) fn count(&mut self, judged: &JudgedLine) {
        let name = judged.stream.clone().unwrap_or_else(|| judged.streams.join(" or "));
        let known = self.streams.iter().position(|counts| counts.stream == name);
        let at = known.unwrap_or_else(|| {
            self.streams.push(Counts { stream: name, ..Counts::default() });
            self.streams.len() - 1
        });
        let Some(counts) = self.streams.get_mut(at) else { return };
        match judged.verdict {
            VerdictWord::Permit => counts.permit += 1,
            VerdictWord::Refuse => {
                counts.refuse += 1;
                let list = judged.list.clone().unwrap_or_else(|| "no consent".to_owned());
                *counts.lists.entry(list).or_default() += 1;
            }
            VerdictWord::Defer => counts.defer += 1,
            VerdictWord::Provisional => counts.provisional += 1,
            VerdictWord::Invalid => {}
        }
    }

    /// For people to standard error, so that the lines can go elsewhere; for programs as the
    /// last line.
    pub(super) fn tell(&self, out: &Out) -> anyhow::Result<()> {
        if out.is_json() {
            let totals = serde_json::json!({
                "totals": self.streams, "recipients": self.recipients, "invalid": self.invalid,
            });
            return out.line(&totals, |_| String::new());
        }
        let several = self.streams.len() > 1;
        for counts in &self.streams {
            let Counts { stream, permit, refuse, defer, provisional, lists } = counts;
            let on =
                if several || stream != "default" { format!("{stream}: ") } else { String::new() };
            let mut text =
                format!("{on}{permit} would be permitted, {refuse} refused, {defer} deferred");
            if *provisional > 0 {
                text.push_str(&format!(", {provisional} decided by their header"));
            }
            if refuse > &0 && !lists.is_empty() {
                let lists = lists.iter().map(|(list, n)| format!("{list} {n}"));
                text.push_str(&format!(" ({})", lists.collect::<Vec<_>>().join(", ")));
            }
            out.note(&text);
        }
        if self.invalid > 0 {
            out.note(&counted(self.invalid, "is no address", "are no addresses"));
        }
        Ok(())
    }

    pub(super) fn exit(&self) -> Exit {
        let any = |of: fn(&Counts) -> u64| self.streams.iter().map(of).sum::<u64>() > 0;
        if any(|counts| counts.refuse) {
            Exit::No
        } else if self.invalid > 0 {
            Exit::Data
        } else if any(|counts| counts.defer + counts.provisional) {
            Exit::Temporary
        } else {
            Exit::Ok
        }
    }
}
