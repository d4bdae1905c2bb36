//! What happened since the start, in numbers.

use evidence::{Ending, Verdict};
use observe::Counter;
use policy::Counted;
use serde::Serialize;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counted without a lock, by all sessions.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        /// The numbers at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        pub struct CountersView {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// The numbers now.
            pub fn view(&self) -> CountersView {
                CountersView { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Sessions accepted.
    sessions,
    /// Sessions now open.
    sessions_open,
    /// Clients turned away: not allowed to relay.
    clients_refused,
    /// Transactions refused: their clients may not relay.
    relaying_denied,
    /// Transactions refused: not the client's sender.
    senders_denied,
    /// Messages refused: not the client's author in the header.
    authors_denied,
    /// Messages deferred at MAIL because there were too many of late.
    messages_limited,
    /// Recipients deferred because there were too many of late.
    recipients_limited,
    /// Clients turned away: too many connections.
    clients_limited,
    /// TLS handshakes with clients.
    tls_sessions,
    /// TLS handshakes with clients that failed.
    tls_failures,
    /// Clients that logged in.
    logins,
    /// Logins refused: a wrong password, a wrong name.
    logins_refused,
    /// Sessions ended by a fault of optgate's own.
    sessions_panicked,
    /// Recipients offered to the smarthost.
    recipients_permitted,
    /// Recipients offered to the smarthost, whose messages' headers had to decide before
    /// data was sent.
    recipients_provisional,
    /// Recipients refused because they opted out.
    recipients_refused,
    /// Recipients deferred because a list could not tell.
    recipients_deferred,
    /// Recipients answered 250 and not forwarded.
    recipients_dropped,
    /// Recipients let through by a listener in shadow mode.
    recipients_shadowed,
    /// Messages the smarthost accepted.
    messages_accepted,
    /// Messages refused after their data.
    messages_refused,
    /// Messages deferred after their data.
    messages_deferred,
    /// Messages thrown away because nobody was left.
    messages_dropped,
    /// Messages the client broke off.
    messages_abandoned,
    /// Messages whose fate is not known.
    messages_unknown,
    /// Messages that a gate, a milter or a signer refused.
    findings_refused,
    /// Messages that one of them deferred.
    findings_deferred,
    /// Messages in which one of them found or did something, and which went on.
    findings_passed,
    /// Messages with the Message-ID of one whose fate was not known a moment ago.
    duplicates,
    /// Octets of mail data of messages that ended.
    bytes,
    /// Connections made to the smarthost.
    smarthost_connections,
    /// Connections made to the smarthost that are under TLS.
    smarthost_tls,
    /// Transactions that took a connection which another one had left.
    smarthost_reused,
    /// Tries to connect to the smarthost that failed.
    smarthost_failures,
    /// Evidence records that could not be written.
    evidence_failures,
}

impl Counters {
    pub(crate) fn recipient(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Permit => &self.recipients_permitted,
            Verdict::Provisional => &self.recipients_provisional,
            Verdict::Refuse => &self.recipients_refused,
            Verdict::Defer => &self.recipients_deferred,
            Verdict::Drop => &self.recipients_dropped,
            Verdict::Shadow => &self.recipients_shadowed,
        };
        counter.count();
    }

    /// `gate`: who found it, as the record has it.
    pub(crate) fn finding(&self, gate: &str, verdict: Verdict) {
        if gate == "duplicate" {
            return self.duplicates.count();
        }
        let counter = match verdict {
            Verdict::Refuse => &self.findings_refused,
            Verdict::Defer => &self.findings_deferred,
            Verdict::Permit | Verdict::Shadow | Verdict::Provisional | Verdict::Drop => {
                &self.findings_passed
            }
        };
        counter.count();
    }

    pub(crate) fn rate(&self, counted: Counted) {
        match counted {
            Counted::Messages => self.messages_limited.count(),
            Counted::Recipients => self.recipients_limited.count(),
        }
    }

    pub(crate) fn message(&self, ending: Ending, bytes: u64) {
        self.bytes.add(bytes);
        let counter = match ending {
            Ending::Accepted => &self.messages_accepted,
            Ending::Refused => &self.messages_refused,
            Ending::Deferred => &self.messages_deferred,
            Ending::Dropped => &self.messages_dropped,
            Ending::Abandoned => &self.messages_abandoned,
            Ending::Unknown => &self.messages_unknown,
        };
        counter.count();
    }
}
