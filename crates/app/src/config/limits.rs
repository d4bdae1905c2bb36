//! `[limits]`: what one client, and all together, may use.

use std::num::NonZeroU32;
use std::time::Duration;

use proxy::RateSettings;
use smtp_session::Floors;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Count, Form, Given, quoted};
use super::quantity::{Size, Span};
use super::section::{KeyInfo, Reader, Row, Rule, Said, Section, SectionInfo, section};
use super::settings::LimitSettings;

const fn seconds(n: u64) -> Span {
    Span(Duration::from_secs(n))
}

section! {
    /// What one client, and all together, may use.
    Limits = "limits", one {
        /// Connections at a time.
        connections: Count<1, 1_000_000> = default(Count(10_000)),
        /// Connections at a time from one address.
        connections_per_client: Count<1, 1_000_000> = default(Count(1_000)),
        /// Recipients in one message; at least 100 (RFC 5321 s4.5.3.1.8).
        recipients: Count<100, 1_000_000> = default(Count(1_000)),
        /// Bytes in one message. The smarthost's own limit holds as well.
        message_size: Size = default(Size(50 << 20)),
        /// Bytes of a message that is kept to be judged or changed as a whole, or for `way = "held"`; a larger one is refused with 552.
        held_message: Size = default(Size(32 << 20)),
        /// Bytes that are kept of all messages together; over it, messages are deferred with 452. So much memory it may cost.
        held_total: Size = default(Size(256 << 20)),
        /// The time between two NOOPs to a smarthost that waits for a message that is held; at most four in a message.
        noop_interval: Span = default(seconds(120)),
        /// How long a client may take for a command (RFC 5321 s4.5.3.2.7: 5 minutes).
        command_timeout: Span = default(seconds(300)),
        /// How long a client may send no mail data.
        data_timeout: Span = default(seconds(300)),
        /// Errors after which a session ends with 421.
        errors: Count<1, 10_000> = default(Count(20)),
        /// How long a client may take from the beginning of a command line to its end.
        line_timeout: Span = default(seconds(60)),
        /// Commands of a session without a recipient in between (EHLO, MAIL, RSET, NOOP, VRFY, HELP), after which it ends with 421.
        idle_commands: Count<10, 1_000_000> = default(Count(100)),
        /// Bytes of mail data that must come within each `data_timeout`.
        data_floor: Size = default(Size(4 << 10)),
        /// How long a client may have to wait for replies in one transaction, all waits together; then it hears 451. Shorter than the 10 minutes after which clients give up (RFC 5321 s4.5.3.2.6).
        transaction_wait: Span = default(seconds(570)),
        /// Messages a minute from one client: an IPv4 address, or an IPv6 /64. All at once, then evenly spread; what is over it is deferred with 450. So are the other rates.
        client_messages: RateOrNever = default(RateOrNever(None)),
        /// Recipients a minute from one client.
        client_recipients: RateOrNever = default(RateOrNever(None)),
        /// Messages a minute of one login.
        login_messages: RateOrNever = default(RateOrNever(None)),
        /// Recipients a minute of one login.
        login_recipients: RateOrNever = default(RateOrNever(None)),
        /// Messages a minute from the domain of the envelope's sender.
        sender_domain_messages: RateOrNever = default(RateOrNever(None)),
        /// Recipients a minute from the domain of the envelope's sender.
        sender_domain_recipients: RateOrNever = default(RateOrNever(None)),
        /// Messages a minute to one domain.
        recipient_domain_messages: RateOrNever = default(RateOrNever(None)),
        /// Recipients a minute at one domain.
        recipient_domain_recipients: RateOrNever = default(RateOrNever(None)),
    }
}

/// A number in a minute, or any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateOrNever(pub(crate) Option<NonZeroU32>);

impl Form for RateOrNever {
    const NAME: &'static str = "a number a minute, or \"never\"";
    const EXAMPLE: &'static str = "600 or \"never\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        match given.value {
            DeValue::String(word) if word == "never" => Some(Self(None)),
            _ => {
                let count = Count::<1, 1_000_000>::read(given, faults)?;
                Some(Self(u32::try_from(count.0).ok().and_then(NonZeroU32::new)))
            }
        }
    }
    fn show(&self) -> String {
        self.0.map_or_else(|| quoted("never"), |number| number.to_string())
    }
}

/// RFC 5321 s4.5.3.1.7: a message of 64 KiB must be taken.
const MESSAGE_MIN: u64 = 64 << 10;

/// Shorter than this NOOPs keep nobody awake who would not be anyway.
const NOOP_MIN: Duration = Duration::from_secs(5);

pub(crate) fn settle(l: &Limits, faults: &mut Vec<Fault>) -> LimitSettings {
    if l.message_size.value.0 < MESSAGE_MIN {
        faults.push(
            Fault::maybe_at(
                l.message_size.span(),
                "a mail server takes messages of at least 64 KiB (RFC 5321 s4.5.3.1.7)",
            )
            .help("for example message_size = \"50MiB\""),
        );
    }
    if l.held_message.value.0 < MESSAGE_MIN {
        faults.push(
            Fault::maybe_at(
                l.held_message.span(),
                "a mail server takes messages of at least 64 KiB (RFC 5321 s4.5.3.1.7)",
            )
            .help("for example held_message = \"32MiB\""),
        );
    }
    if l.held_total.value.0 < l.held_message.value.0 {
        faults.push(
            Fault::maybe_at(
                l.held_total.span().or_else(|| l.held_message.span()),
                "held_total is less than held_message: such a message would never pass",
            )
            .help("all messages together should be several times the largest one"),
        );
    }
    if l.noop_interval.value.0 < NOOP_MIN {
        faults.push(
            Fault::maybe_at(l.noop_interval.span(), "mail servers take this for an attack")
                .help("for example noop_interval = \"2m\"; at least 5 seconds"),
        );
    }
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    LimitSettings {
        connections: size(l.connections.value.0),
        connections_per_client: size(l.connections_per_client.value.0),
        recipients: size(l.recipients.value.0),
        message_size: l.message_size.value.0,
        held_message: size(l.held_message.value.0),
        held_total: size(l.held_total.value.0),
        noop_interval: l.noop_interval.value.0,
        command_timeout: l.command_timeout.value.0,
        data_timeout: l.data_timeout.value.0,
        floors: Floors {
            line_timeout: l.line_timeout.value.0,
            idle_commands: u32::try_from(l.idle_commands.value.0).unwrap_or(u32::MAX),
            data: l.data_floor.value.0,
        },
        transaction_wait: l.transaction_wait.value.0,
        rates: RateSettings {
            client_messages: l.client_messages.value.0,
            client_recipients: l.client_recipients.value.0,
            login_messages: l.login_messages.value.0,
            login_recipients: l.login_recipients.value.0,
            sender_domain_messages: l.sender_domain_messages.value.0,
            sender_domain_recipients: l.sender_domain_recipients.value.0,
            recipient_domain_messages: l.recipient_domain_messages.value.0,
            recipient_domain_recipients: l.recipient_domain_recipients.value.0,
        },
        errors: u32::try_from(l.errors.value.0).unwrap_or(u32::MAX),
    }
}
