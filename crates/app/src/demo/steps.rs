//! What the demo sends, and what should come of it.

use std::net::SocketAddr;

use serde::Serialize;

use super::client::{Delivery, send};

/// One message of the demo.
pub(super) struct Step {
    /// What is to be seen.
    pub(super) about: &'static str,
    pub(super) to: &'static [&'static str],
    /// The code each recipient must get.
    pub(super) expected: &'static [u16],
    /// Opted out before this message is sent, through the control socket.
    pub(super) add: Option<&'static str>,
}

pub(super) const STEPS: [Step; 5] = [
    Step {
        about: "nobody objected: delivered",
        to: &["carol@example.net"],
        expected: &[250],
        add: None,
    },
    Step {
        about: "on the CSV list: refused at once, the sink never hears of it",
        to: &["bob@example.com"],
        expected: &[550],
        add: None,
    },
    Step {
        about: "the same person, spelled otherwise: refused",
        to: &["BOB+offers@Example.com"],
        expected: &[550],
        add: None,
    },
    Step {
        about: "one message, two people: eve is on the XML list, alice gets it",
        to: &["eve@example.com", "alice@example.com"],
        expected: &[550, 250],
        add: None,
    },
    Step {
        about: "carol has opted out just now: the same mail is refused",
        to: &["carol@example.net"],
        expected: &[550],
        add: Some("carol@example.net"),
    },
];

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepOutcome {
    /// From 1.
    pub number: usize,
    /// What is to be seen.
    pub about: &'static str,
    /// Opted out before the message was sent.
    pub added: Option<&'static str>,
    /// What the gate said.
    pub delivery: Delivery,
    /// Whether that is what should have happened.
    pub as_expected: bool,
}

impl Step {
    pub(super) async fn take(
        &self,
        number: usize,
        gate: SocketAddr,
    ) -> std::io::Result<StepOutcome> {
        let message = format!(
            "From: Shop <shop@corp.example>\r\nTo: {}\r\nSubject: Spring sale ({number})\r\nMessage-ID: <demo-{number}@corp.example>\r\n\r\nEverything must go.\r\n.dots at the beginning of a line stay\r\n",
            self.to.join(", "),
        );
        let delivery = send(gate, "shop@corp.example", self.to, &message).await?;
        let codes: Vec<_> = delivery.recipients.iter().map(|r| r.code).collect();
        let delivered = delivery.message.as_deref().is_some_and(|m| m.starts_with("250"));
        let as_expected = codes == self.expected && delivered == self.expected.contains(&250);
        Ok(StepOutcome { number, about: self.about, added: self.add, delivery, as_expected })
    }
}
