//! Would this address be refused? Asked of the same gates as in the SMTP session.

use address::{AddressFault, ForwardPath};
use policy::{Action, Decision, Reason, Ruling, Verdict};

use super::answers::{GateLine, JudgedLine, VerdictWord};
use super::request::Clerk;

/// What came of running the gates over an address.
pub(super) struct Judged {
    pub(super) line: JudgedLine,
    pub(super) gates: Vec<GateLine>,
    pub(super) reply: String,
}

impl Clerk {
    pub(super) fn judge(&self, address: &str) -> JudgedLine {
        self.run_gates(address).line
    }

    /// Runs the gates as for a recipient of a listener that refuses.
    pub(super) fn run_gates(&self, address: &str) -> Judged {
        let typed = address.trim();
        let bare = typed.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(typed);
        let path = match ForwardPath::parse(&format!("<{bare}>")) {
            Ok(path) => path,
            Err(error) => {
                let code = match error.fault {
                    AddressFault::Ambiguous => "553 5.1.3",
                    AddressFault::Syntax | AddressFault::TooLong => "501 5.1.3",
                };
                let words = error.to_string();
                let reply = format!("{code} {words}");
                let gate = line("address", VerdictWord::Invalid, &words);
                return Judged {
                    line: judged(address, VerdictWord::Invalid, words),
                    gates: vec![gate],
                    reply,
                };
            }
        };
        let mut gates = vec![line("address", VerdictWord::Permit, "one reading")];
        let shown = path.to_string();
        let possible = self.gate.streams().fallback();
        let today = crate::clock::now().day();
        let decision = match self.gate.judge(path, Action::Refuse, &possible, today) {
            Ruling::Decided(decision) => decision,
            // No list of ours asks anybody yet.
            Ruling::Ask(asked) => {
                asked.resolve([policy::Lookup::Unknown("a live source".into())].into())
            }
        };
        let (verdict, reason) = taken_apart(decision);
        let (words, reply) = match (&reason, verdict) {
            (None, _) => {
                ("no entry forbids it".to_owned(), "permitted; the smarthost decides".to_owned())
            }
            (Some(reason), VerdictWord::Permit) => {
                (reason.to_string(), "permitted; the smarthost decides".to_owned())
            }
            (Some(reason), VerdictWord::Refuse) => {
                (reason.to_string(), format!("550 5.7.1 {shown} {reason}"))
            }
            (Some(reason), _) => (told(reason), format!("451 4.3.0 {shown} {reason}")),
        };
        gates.push(line("opt-out", verdict, &words));
        let mut line =
            judged(address, verdict, if reason.is_some() { words } else { String::new() });
        if let Some(found) = reason.as_ref().and_then(Reason::entry) {
            line.list = Some(found.source.clone());
            line.since = Some(found.since);
            line.entry = Some(u64::from(found.position));
        }
        Judged { line, gates, reply }
    }
}

fn taken_apart(decision: Decision) -> (VerdictWord, Option<Reason>) {
    match decision.verdict {
        Verdict::Permit(_, reason) => (VerdictWord::Permit, reason),
        // One stream was asked about, so that it does not arise; unknown is never yes.
        Verdict::Provisional(provisional) => (VerdictWord::Defer, provisional.reason().cloned()),
        Verdict::Refuse(_, reason) | Verdict::Drop(_, reason) => {
            (VerdictWord::Refuse, Some(reason))
        }
        Verdict::Defer(_, reason) => (VerdictWord::Defer, Some(reason)),
    }
}

/// What a client is not told: which list is missing.
fn told(reason: &Reason) -> String {
    match reason {
        Reason::Unknown(what) => format!("{reason} ({what})"),
        other => other.to_string(),
    }
}

fn line(gate: &str, verdict: VerdictWord, words: &str) -> GateLine {
    GateLine { gate: gate.to_owned(), verdict, words: words.to_owned() }
}

fn judged(address: &str, verdict: VerdictWord, reason: String) -> JudgedLine {
    JudgedLine {
        address: address.to_owned(),
        verdict,
        reason,
        list: None,
        since: None,
        entry: None,
    }
}
