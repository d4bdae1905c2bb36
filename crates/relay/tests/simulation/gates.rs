//! Gates over headers and the completion of messages: what marks the messages carry, what must
//! come of them, and what must have been added.

use std::sync::Arc;

use policy::{GateRule, GateVerdict, HeaderCheck, HeaderGate, HeaderGates, StreamId};
use relay::MessageRules;
use testkit::Dice;

use crate::client::Message;
use crate::lists::RECEIPTS;
use crate::setup::Setup;

/// The fields by which gates know what to do, in the order of the gates.
const FIELDS: [&str; 4] = ["X-Watch", "X-Trust", "X-Secret", "X-Later"];
/// Receipts must have it, where streams are told apart.
const NUMBER: &str = "X-Number";

/// What of all that a message has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    fields: [bool; 4],
    numbered: bool,
    lacks_date: bool,
    pub(crate) lacks_id: bool,
    /// A line of blanks stands in front of what follows: to some programs the header ends there,
    /// and what must be there has to stand above.
    pub(crate) cut: bool,
}

/// What came of it, by the records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Findings {
    watched: u32,
    trusted: u32,
    stopped: u32,
}

/// What is done about the messages of a session.
pub(crate) fn rules(setup: Setup, dice: &mut Dice, receipts: Option<StreamId>) -> MessageRules {
    if !setup.has_gates() {
        return MessageRules::default();
    }
    let verdicts =
        [GateVerdict::Shadow, GateVerdict::Permit, GateVerdict::Refuse, GateVerdict::Defer];
    let gate = |name: &str, verdict, streams, check| HeaderGate {
        rule: GateRule { name: name.into(), streams, verdict, text: None },
        check,
    };
    let mut gates: Vec<_> = FIELDS
        .into_iter()
        .zip(verdicts)
        .map(|(field, verdict)| {
            let check = HeaderCheck::Forbidden(vec![field.parse().unwrap()]);
            gate(field, verdict, None, check)
        })
        .collect();
    if let Some(receipts) = receipts {
        let check = HeaderCheck::Required(vec![NUMBER.parse().unwrap()]);
        gates.push(gate(NUMBER, GateVerdict::Refuse, Some(vec![receipts]), check));
    }
    MessageRules {
        gates: Some(Arc::new(HeaderGates::new(gates))),
        complete: dice.permille(400),
        unsettled: None,
    }
}

impl Marks {
    /// Fields for a header that ends with none.
    pub(crate) fn write(dice: &mut Dice) -> (String, Self) {
        let mut marks = Self {
            fields: [200, 80, 120, 80].map(|often| dice.permille(often)),
            numbered: dice.permille(700),
            lacks_date: dice.permille(500),
            lacks_id: dice.permille(300),
            cut: false,
        };
        let mut fields = String::new();
        for (name, there) in FIELDS.into_iter().zip(marks.fields) {
            if there {
                let form = dice.below(4);
                fields += &match form {
                    0 => format!("{}: x\r\n", name.to_ascii_lowercase()),
                    1 => format!("{name} :\r\n folded\r\n"),
                    2 => format!("{name}: x\r\n \r\n"),
                    _ => format!("{name}: x\r\n"),
                };
                marks.cut |= form == 2;
            }
        }
        // What continues something is no field.
        fields += if dice.permille(300) { "To: x\r\n X-Secret: no field\r\n" } else { "To: x\r\n" };
        if marks.numbered {
            fields += "X-Number: 7\r\n";
        }
        marks.numbered &= !marks.cut;
        if !marks.lacks_date {
            let name = if dice.permille(500) { "Date" } else { "date " };
            fields += &format!("{name}: Mon, 2 Mar 2026 12:00:00 +0000\r\n");
        }
        (fields, marks)
    }

    fn has(&self, field: &str) -> bool {
        FIELDS.into_iter().zip(self.fields).any(|(name, there)| there && name == field)
    }

    /// The gate that stops such a message, if its header is one that is read.
    pub(crate) fn stop(&self, setup: Setup, stream: &str) -> Option<&'static str> {
        if !setup.has_gates() || self.has("X-Trust") {
            return None;
        }
        let unnumbered = setup.has_streams() && stream == RECEIPTS && !self.numbered;
        let of_field = FIELDS[2..].iter().copied().find(|field| self.has(field));
        of_field.or(unnumbered.then_some(NUMBER))
    }
}

/// (11) What goes on of a message: what its client sent, behind what was added.
pub(crate) fn sent<'a>(message: &Message, completes: bool, content: &'a [u8]) -> &'a [u8] {
    let marks = &message.marks;
    let mut rest = content;
    let lines = [("Date: ", marks.lacks_date), ("Message-ID: <", marks.lacks_id)];
    for (line, _) in lines.into_iter().filter(|(_, lacks)| completes && *lacks) {
        assert!(rest.starts_with(line.as_bytes()), "(11) {line} is missing: {}", message.id);
        let end = rest.iter().position(|byte| *byte == b'\n').expect("a line end");
        if line.starts_with("Message") {
            assert!(rest[..=end].ends_with(b"@gate.example>\r\n"), "(11) {}", message.id);
        }
        rest = &rest[end + 1..];
    }
    rest
}

/// Whether a finding is one of these gates': written down, once for each message.
pub(crate) fn note(setup: Setup, message: &mut Message, gate: &str, replied: bool) -> bool {
    let Some(field) = gate.strip_prefix("gate ") else { return false };
    if field != NUMBER && !FIELDS.contains(&field) {
        return false;
    }
    let stop = message.marks.stop(setup, message.stream);
    let findings = &mut message.findings;
    let (count, expected) = match field {
        "X-Watch" => (&mut findings.watched, message.marks.has("X-Watch")),
        "X-Trust" => (&mut findings.trusted, message.marks.has("X-Trust")),
        _ => (&mut findings.stopped, stop == Some(field)),
    };
    *count += 1;
    assert!(expected, "(11) {gate} found nothing in {}", message.id);
    assert_eq!(*count, 1, "(11) {gate} found the same twice in {}", message.id);
    assert_eq!(replied, stop == Some(field), "(11) the reply of {gate} to {}", message.id);
    true
}

/// (11) A message that was delivered was let pass, and what was found in it is written down.
pub(crate) fn check(setup: Setup, message: &Message) {
    if !setup.has_gates() {
        return;
    }
    let (marks, findings, id) = (&message.marks, message.findings, &message.id);
    assert_eq!(marks.stop(setup, message.stream), None, "(11) {id} was delivered");
    assert_eq!(findings.watched > 0, marks.has("X-Watch"), "(11) X-Watch of {id}");
    assert_eq!(findings.trusted > 0, marks.has("X-Trust"), "(11) X-Trust of {id}");
    assert_eq!(findings.stopped, 0, "(11) {id} was stopped, and delivered");
}

impl Message {
    /// A gate has stopped it, by the records.
    pub(crate) fn was_stopped(&self) -> bool {
        self.findings.stopped > 0
    }

    /// It was let pass by the gate that trusts, past one that had stopped it.
    pub(crate) fn was_trusted(&self) -> bool {
        self.findings.trusted > 0 && (self.marks.has("X-Secret") || self.marks.has("X-Later"))
    }

    /// Something was to be added to it.
    pub(crate) fn lacks(&self) -> bool {
        self.marks.lacks_date || self.marks.lacks_id
    }
}
