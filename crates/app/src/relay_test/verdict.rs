//! What came out, form by form and in all.

use serde::Serialize;

/// The whole test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelayTest {
    /// Where the server was reached: address and port.
    pub address: String,
    /// Its greeting, on one line.
    pub greeting: String,
    /// How many sessions it took.
    pub sessions: usize,
    /// Whether STARTTLS is offered.
    pub offers_starttls: bool,
    /// The forms and what was said; none where the greeting was a refusal.
    pub probes: Vec<Probe>,
    /// What follows from it.
    pub verdict: Verdict,
    /// How many forms were accepted.
    pub accepted: usize,
    /// How many forms were not answered for good.
    pub unknown: usize,
    /// The verdict in words.
    pub words: String,
}

/// One form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// Its number, from 1; the first sixteen are nmap's.
    pub number: usize,
    /// The reverse-path, with its brackets.
    pub mail: String,
    /// The forward-path, with its brackets.
    pub rcpt: String,
    /// Whether it was sent encrypted.
    pub tls: bool,
    /// The reply to MAIL, on one line.
    pub mail_reply: Option<String>,
    /// The reply to RCPT, on one line; none where MAIL was refused.
    pub rcpt_reply: Option<String>,
    /// What it means.
    pub outcome: Outcome,
    /// Why it is not known.
    pub why: Option<String>,
}

/// What became of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// For good, at MAIL or at RCPT.
    Refused,
    /// The recipient was taken.
    Accepted,
    /// Put off, or no answer.
    Unknown,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every form was refused for good.
    Closed,
    /// At least one was accepted.
    Open,
    /// None was accepted, and not all were refused for good.
    Unknown,
}

impl Verdict {
    /// Of all forms: the verdict, how many were accepted and not answered, and words for it.
    pub(super) fn of(probes: &[Probe]) -> (Self, usize, usize, String) {
        let count = |outcome| probes.iter().filter(|probe| probe.outcome == outcome).count();
        let (accepted, unknown) = (count(Outcome::Accepted), count(Outcome::Unknown));
        let all = probes.len();
        let (verdict, words) = if accepted > 0 {
            let left = if unknown > 0 { format!(", {unknown} not known") } else { String::new() };
            (Self::Open, format!("OPEN RELAY: {accepted} of {all} accepted{left}"))
        } else if unknown > 0 {
            let first = probes.iter().find_map(|probe| probe.why.as_deref()).unwrap_or_default();
            let words =
                format!("could not tell: {unknown} of {all} not answered for good; {first}");
            (Self::Unknown, words)
        } else {
            (Self::Closed, format!("closed: {all} of {all} refused"))
        };
        (verdict, accepted, unknown, words)
    }
}
