//! What can be typed behind `optgate relay-test`.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate relay-test mail.corp.example                from outside: port 25
  optgate relay-test mail.corp.example:587 --to elsewhere.example
  optgate relay-test -o json 192.0.2.25 | jq -r .words

Run it from a machine that may not relay there. From one that may, the server takes the forms that
are plain addresses, and rightly so; the routed ones (%, !, @a:b, two @) nobody should get through.

Tried are the sixteen forms of nmap's smtp-open-relay (1 to 16), those of the testers of
mail-abuse.org and more of their kind, an outsider behind a recipient of the server's own, and, where
STARTTLS is offered, two transactions after it. DATA is never sent, so no message exists at any time.
A server that hangs up is asked again in a new session. Certificates are not looked at.

A form is refused when MAIL or RCPT was answered 5yz, and accepted when RCPT was answered 2yz;
anything else (4yz, no answer) is not known. Some servers take a routed form as the name of a mailbox
of their own and bounce it later: look at where it went before you call that a relay.

Exit code: 0 closed, 1 open, 75 could not tell, 69 no such server.")]
pub(crate) struct RelayTestWords {
    /// The server to test; without a port 25, or 465 with --tls implicit.
    #[arg(value_name = "HOST[:PORT]")]
    pub(crate) server: String,
    /// A domain the server is not responsible for: where mail would be relayed to.
    #[arg(long, default_value = "example.com", value_name = "DOMAIN")]
    pub(crate) to: String,
    /// A domain the server is not responsible for: where mail would be from. As --to unless given.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) from_domain: Option<String>,
    /// The name in EHLO; unless given, this machine's address as a literal.
    #[arg(long, value_name = "NAME")]
    pub(crate) helo: Option<String>,
    /// When TLS begins.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) tls: TlsWord,
    /// How long one reply may take, in seconds.
    #[arg(long, default_value_t = 30, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsWord {
    /// At once on port 465; after STARTTLS where nothing goes without.
    #[default]
    Auto,
    /// Never.
    Off,
    /// After STARTTLS.
    Starttls,
    /// At once.
    Implicit,
}
