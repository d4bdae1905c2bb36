//! Macros: what a filter is told of a session beside the commands.
//!
//! Names are Sendmail's; `j`, or in braces when longer than a letter. Each step has a list of
//! those that go with it, a filter may ask for another list (`SMFIF_SETSYMLIST`).

use crate::command::Step;
use crate::error::MilterError;
use crate::packet::{encode, integer, string, without_nul};

/// Octets of a filter's lists. They hold names; there are about thirty.
const LISTS_MAX: usize = 16 * 1024;

/// What is known of a session, by the names of macros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Macros {
    entries: Vec<(&'static str, String)>,
}

impl Macros {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// This is known, and no more what it was before. `name` has braces where it is longer than a
    /// letter: `{client_addr}`.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.unset(name);
        self.entries.push((name, value.into()));
    }

    /// This is not known any more.
    pub fn unset(&mut self, name: &str) {
        self.entries.retain(|(known, _)| *known != name);
    }

    /// What is known.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.entries.iter().find(|(known, _)| *known == name)?;
        Some(value)
    }
}

/// What goes with which step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MacroLists {
    /// What the filter asked for, with names in braces.
    asked: Vec<(Step, Vec<String>)>,
}

impl MacroLists {
    /// Reads what stands behind the flags of a negotiation: number of a step, names with spaces
    /// between them, NUL; again and again. `None`: it is something else.
    pub(crate) fn decode(mut data: &[u8]) -> Option<Self> {
        let mut asked = Vec::new();
        if data.len() > LISTS_MAX {
            return None;
        }
        while !data.is_empty() {
            let (number, rest) = integer(data)?;
            let (names, rest) = string(rest)?;
            data = rest;
            let names = str::from_utf8(names).ok()?.split([' ', ',']);
            let names = names.filter(|name| !name.is_empty()).map(braced).collect();
            // A list for a step that we do not know is of no use to us.
            if let Some(step) = step(number) {
                asked.push((step, names));
            }
        }
        Some(Self { asked })
    }

    /// Writes what is known of the macros of this step; nothing where nothing is.
    pub(crate) fn encode(
        &self,
        out: &mut Vec<u8>,
        step: Step,
        macros: &Macros,
    ) -> Result<(), MilterError> {
        let letter = [step.letter()];
        let mut pieces: Vec<&[u8]> = vec![&letter];
        let mut tell = |name: &'_ str| {
            let known = macros.entries.iter().find(|(known, _)| *known == name);
            if let Some((name, value)) = known {
                pieces.extend([name.as_bytes(), b"\0", without_nul(value.as_bytes()), b"\0"]);
            }
        };
        match self.asked.iter().rev().find(|(at, _)| *at == step) {
            Some((_, names)) => names.iter().for_each(|name| tell(name)),
            None => usual(step).iter().for_each(|name| tell(name)),
        }
        if pieces.len() > 1 { encode(out, b'D', &pieces) } else { Ok(()) }
    }
}

/// A name longer than a letter has braces, whether or not the filter wrote them.
fn braced(name: &str) -> String {
    if name.len() > 1 && !name.starts_with('{') { format!("{{{name}}}") } else { name.to_owned() }
}

/// The numbers of steps in lists (`SMFIM_*` of libmilter's `mfapi.h`).
fn step(number: u32) -> Option<Step> {
    Some(match number {
        0 => Step::Connect,
        1 => Step::Helo,
        2 => Step::Mail,
        3 => Step::Rcpt,
        4 => Step::Data,
        5 => Step::EndOfBody,
        6 => Step::EndOfHeader,
        _ => return None,
    })
}

/// What goes with a step unless the filter wants something else: Postfix's `milter_*_macros`, and
/// what it says of the client at connect, as Sendmail does.
fn usual(step: Step) -> &'static [&'static str] {
    match step {
        Step::Connect => &[
            "j",
            "{daemon_name}",
            "{daemon_addr}",
            "{daemon_port}",
            "v",
            "_",
            "{client_addr}",
            "{client_name}",
            "{client_port}",
            "{client_ptr}",
        ],
        Step::Helo => {
            &["{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"]
        }
        Step::Mail => &[
            "i",
            "{auth_type}",
            "{auth_authen}",
            "{auth_author}",
            "{mail_addr}",
            "{mail_host}",
            "{mail_mailer}",
        ],
        Step::Rcpt => &["i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"],
        Step::Data | Step::EndOfHeader | Step::EndOfBody => &["i"],
        Step::Negotiate | Step::Header | Step::Body => &[],
    }
}
