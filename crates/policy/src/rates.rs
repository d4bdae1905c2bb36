//! How much mail a client, a login or a domain may have in a minute.
//!
//! The limits are kept elsewhere ([`Rates`]); here is what is asked of them and how a refusal
//! reads. It is a 4yz, because it passes: the text says which limit it is and after how long
//! another try makes sense.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// The user that is logged in.
    pub login: Option<&'a str>,
    /// The domain of the reverse-path.
    pub domain: Option<&'a str>,
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The client's address.
    Client,
    /// The user.
    Login,
    /// The domain of the reverse-path.
    SenderDomain,
    /// The domain of a recipient.
    RecipientDomain,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// MAIL; for the domain of a recipient, messages that have somebody there.
    Messages,
    /// RCPT.
    Recipients,
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    /// About whom.
    pub party: Party,
    /// Of what.
    pub counted: Counted,
    /// After this another one is permitted.
    pub wait: Duration,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = match self.counted {
            Counted::Messages => "messages",
            Counted::Recipients => "recipients",
        };
        let party = match self.party {
            Party::Client => "from this client",
            Party::Login => "from this login",
            Party::SenderDomain => "from this sender's domain",
            Party::RecipientDomain => "to that recipient's domain",
        };
        // Never less than it is: a client that comes back too early is refused again.
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        let seconds = seconds.max(1);
        write!(f, "too many {counted} a minute {party}; try again in {seconds} s")
    }
}

/// Keeps the limits. `now` is the time since any fixed moment, the same for all calls.
pub trait Rates: fmt::Debug + Send + Sync {
    /// Counts a message at MAIL.
    ///
    /// # Errors
    /// The limit that does not permit it.
    fn message(&self, now: Duration, source: &Source<'_>) -> Result<(), TooMuch>;

    /// Counts a recipient at RCPT. `domain`: the recipient's; `first`: it is the first of its
    /// transaction there.
    ///
    /// # Errors
    /// The limit that does not permit it.
    fn recipient(
        &self,
        now: Duration,
        source: &Source<'_>,
        domain: Option<&str>,
        first: bool,
    ) -> Result<(), TooMuch>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_which_limit_and_after_how_long() {
        let text =
            |wait| TooMuch { party: Party::Login, counted: Counted::Recipients, wait }.to_string();
        let wanted = "too many recipients a minute from this login; try again in";
        assert_eq!(text(Duration::from_millis(11_001)), format!("{wanted} 12 s"));
        assert_eq!(text(Duration::from_secs(12)), format!("{wanted} 12 s"));
        assert_eq!(text(Duration::ZERO), format!("{wanted} 1 s"));
    }
}
