//! What a milter is told of a session: who the client is, and the macros.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use address::{ForwardPath, ReversePath};
use evidence::Reference;
use milter::Macros;
use relay::{SessionFacts, TlsFacts};

/// What stands in the macro `v`.
const VERSION: &str = concat!("optgate ", env!("CARGO_PKG_VERSION"));

/// Who a milter was told of at connect and HELO. Whoever is somebody else needs another
/// connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    client: IpAddr,
    port: Option<u16>,
    listener: SocketAddr,
    tls: Option<Arc<TlsFacts>>,
    /// The name it gave at EHLO or HELO.
    pub(super) name: String,
}

impl Caller {
    pub(super) fn new(facts: &SessionFacts, name: String) -> Self {
        Self {
            client: facts.client,
            port: facts.port,
            listener: facts.listener,
            tls: facts.tls.clone(),
            name,
        }
    }

    /// Its host name for connect: no name is looked up here, so the address in brackets.
    pub(super) fn host(&self) -> String {
        format!("[{}]", self.client)
    }

    /// Where it is; an unknown port is 0.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.client, self.port.unwrap_or(0))
    }

    /// The macros for connect and HELO, and for all that follows. `hostname`: ours.
    pub(super) fn macros(&self, hostname: &str) -> Macros {
        let mut macros = Macros::new();
        macros.set("j", hostname);
        macros.set("v", VERSION);
        macros.set("_", self.host());
        macros.set("{daemon_name}", hostname);
        macros.set("{daemon_addr}", self.listener.ip().to_string());
        macros.set("{daemon_port}", self.listener.port().to_string());
        macros.set("{client_addr}", self.client.to_string());
        macros.set("{client_name}", self.host());
        macros.set("{client_ptr}", "unknown");
        macros.set("{client_port}", self.address().port().to_string());
        if let Some(tls) = &self.tls {
            macros.set("{tls_version}", tls.protocol);
            macros.set("{cipher}", tls.cipher);
            if let Some(certificate) = &tls.certificate {
                macros.set("{cert_subject}", &**certificate);
            }
        }
        macros
    }
}

/// Adds what is known of a transaction.
pub(super) fn of_mail(
    macros: &mut Macros,
    facts: &SessionFacts,
    from: &ReversePath,
    reference: &Reference,
) {
    macros.set("i", reference.as_str());
    let from = from.mailbox();
    macros.set("{mail_addr}", from.map_or_else(String::new, ToString::to_string));
    macros.set("{mail_host}", from.map_or_else(String::new, |from| from.domain().to_string()));
    macros.set("{mail_mailer}", "smtp");
    macros.unset("{rcpt_addr}");
    for (name, value) in [("{auth_authen}", &facts.login), ("{auth_type}", &facts.mechanism)] {
        match value {
            Some(value) => macros.set(name, &**value),
            None => macros.unset(name),
        }
    }
}

/// Adds what is known of a recipient.
pub(super) fn of_recipient(macros: &mut Macros, path: &ForwardPath) {
    let (address, host) = match path.mailbox() {
        Some(mailbox) => (mailbox.to_string(), mailbox.domain().to_string()),
        None => ("postmaster".to_owned(), String::new()),
    };
    macros.set("{rcpt_addr}", address);
    macros.set("{rcpt_host}", host);
    macros.set("{rcpt_mailer}", "smtp");
}
