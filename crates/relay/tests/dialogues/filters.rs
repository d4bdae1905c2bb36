//! Filters of a dialogue: what they are shown, and what they say.

use std::collections::VecDeque;

use policy::{Finding, GateVerdict};
use relay::{
    FilterAnswer, FilterContent, FilterPiece, FilterStep, FilterVerdict, Filtered, Filters,
    JudgedStreams, Readers,
};
use smtp_wire::{Enhanced, Reply};

/// `envelope`, `change`, `judged`: which of these filters ask for; `pieces`: who asks for the
/// envelope reads content in pieces of 16 octets or more.
pub(crate) fn wishes(value: &str) -> Filters {
    let asks = |word: &str| value.split(',').any(|one| one.trim() == word);
    Filters {
        envelope: asks("envelope"),
        readers: if asks("pieces") { Readers::All } else { Readers::None },
        judged: if asks("judged") { JudgedStreams::All } else { JudgedStreams::None },
        change: asks("change"),
        piece: if asks("pieces") { 16 } else { Filters::default().piece },
    }
}

impl FilterStage {
    /// How many steps have no answer yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[derive(Debug)]
enum Waiting {
    Mail,
    Recipient(u32),
    Piece(FilterPiece),
    Content(Box<FilterContent>),
}

#[derive(Debug, Default)]
pub(crate) struct FilterStage {
    /// The steps, a line each: `mail <a@corp.example>`, `rcpt <b@there.example>`, `content held
    /// Subject: x\\r\\n...`, `content copy ...`, `content copy permitted ...`, `piece Subject:
    /// x...`, `content rest ...` behind pieces, `content copy and rest ...`, `abort`.
    pub(crate) seen: Vec<String>,
    /// Steps without an answer, also of transactions that are gone.
    waiting: VecDeque<(u64, Waiting)>,
}

impl FilterStage {
    pub(crate) fn see(&mut self, number: u64, step: FilterStep) {
        let (line, waiting) = match step {
            FilterStep::Mail(mail) if mail.client_name == "pc.example" => {
                (format!("mail {}", mail.from), Waiting::Mail)
            }
            FilterStep::Mail(mail) => {
                (format!("mail {} of {}", mail.from, mail.client_name), Waiting::Mail)
            }
            FilterStep::Recipient { tag, path, .. } => {
                (format!("rcpt {path}"), Waiting::Recipient(tag))
            }
            FilterStep::Content(content) => {
                let mut kind = match (&content.rest, content.content.is_empty()) {
                    (Some(_), true) => "rest",
                    (Some(_), false) => "copy and rest",
                    (None, _) if content.may_change => "held",
                    (None, _) => "copy",
                }
                .to_owned();
                kind += if content.gates_permit { " permitted" } else { "" };
                let text = content.rest.as_ref().map_or(&content.content, |rest| &rest.octets);
                let line = format!("content {kind} {}", escaped(text));
                (line.trim_end().to_owned(), Waiting::Content(content))
            }
            FilterStep::Piece(piece) => {
                (format!("piece {}", escaped(&piece.octets)), Waiting::Piece(piece))
            }
            FilterStep::Abort => return self.seen.push("abort".to_owned()),
        };
        self.seen.push(line);
        self.waiting.push_back((number, waiting));
    }

    /// `permit` (which takes a piece, too); `refuse NAME 550 5.7.1 text`; `discard NAME`; `found refuse NAME text`; of
    /// content also `watched NAME text`, and `change` or `claim` with what it is said to be.
    pub(crate) fn answer(&mut self, words: &str) -> (u64, FilterAnswer) {
        let (number, waiting) = self.waiting.pop_front().unwrap();
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let named = || {
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            (format!("milter {name}").into(), rest)
        };
        let mut findings = Vec::new();
        let verdict = match word {
            "permit" | "change" | "claim" => FilterVerdict::Permit,
            "refuse" => {
                let (by, rest) = named();
                let (code, text) = rest.split_once(' ').unwrap();
                FilterVerdict::Refuse { by, reply: reply(code.parse().unwrap(), text) }
            }
            "discard" => FilterVerdict::Discard { by: named().0 },
            "found" => FilterVerdict::Found(Box::new(finding(rest))),
            "watched" => {
                findings.push(finding(&format!("shadow {rest}")));
                FilterVerdict::Permit
            }
            other => panic!("no verdict `{other}`"),
        };
        let answer = match waiting {
            Waiting::Mail => FilterAnswer::Mail(verdict),
            Waiting::Recipient(tag) => FilterAnswer::Recipient(tag, verdict),
            Waiting::Piece(piece) => FilterAnswer::Taken(piece.octets.len()),
            Waiting::Content(shown) => {
                let content = match word {
                    "change" | "claim" => unescaped(rest),
                    _ if shown.may_change => shown.content,
                    _ => Vec::new(),
                };
                let changed = word == "change";
                FilterAnswer::Content(Box::new(Filtered { verdict, findings, content, changed }))
            }
        };
        (number, answer)
    }
}

/// `5.7.1 text`, or without the enhanced code.
fn reply(code: u16, text: &str) -> Reply {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    match first.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u16>>>() {
        Some(parts) if parts.len() == 3 => {
            let class = u8::try_from(parts[0]).unwrap();
            Reply::new(code, Enhanced::new(class, parts[1], parts[2]), rest)
        }
        _ => Reply::plain(code, text),
    }
}

/// `refuse one-click no List-Unsubscribe`.
fn finding(words: &str) -> Finding {
    let mut words = words.splitn(3, ' ');
    let verdict = match words.next().unwrap() {
        "permit" => GateVerdict::Permit,
        "refuse" => GateVerdict::Refuse,
        "defer" => GateVerdict::Defer,
        "shadow" => GateVerdict::Shadow,
        other => panic!("no verdict of gates `{other}`"),
    };
    let gate = words.next().unwrap().into();
    Finding { gate, verdict, found: words.next().unwrap_or_default().to_owned(), text: None }
}

fn escaped(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).escape_default().to_string()
}

fn unescaped(text: &str) -> Vec<u8> {
    let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
    text.replace("\\8", "\u{fc}").into_bytes()
}
