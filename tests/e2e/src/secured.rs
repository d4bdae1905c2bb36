//! The mail servers as they are met today: mail only with TLS and a login.

use std::net::SocketAddr;

use crate::authority::Authority;
use crate::dovecot::Dovecot;
use crate::exim::Exim;
use crate::opensmtpd::OpenSmtpd;
use crate::port::free_port;
use crate::postfix::Postfix;
use crate::scratch::Scratch;
use crate::smarthost::Smarthost;

/// A mail server with two doors that want TLS and a login, as 587 and 465 do.
pub struct Secured {
    /// The server. Its own address is a third door, without either.
    pub server: Box<dyn Smarthost>,
    /// Where STARTTLS comes first.
    pub starttls: SocketAddr,
    /// Where TLS begins at once.
    pub implicit: SocketAddr,
    /// How one can log in there.
    pub mechanisms: &'static [&'static str],
    /// Whom it asks.
    _logins: Option<Dovecot>,
}

/// The addresses of the two doors, and the certificate that is shown there.
pub(crate) struct Doors<'a> {
    pub(crate) starttls: SocketAddr,
    pub(crate) implicit: SocketAddr,
    pub(crate) authority: &'a Authority,
}

impl Secured {
    /// The user that every one of them knows.
    pub const USER: &'static str = "erp";
    /// Its password, with characters that must be quoted somewhere.
    pub const PASSWORD: &'static str = "auf & zu 7!";

    /// Postfix, with its logins at Dovecot.
    pub fn postfix(scratch: &Scratch, authority: &Authority) -> Self {
        let logins = Dovecot::start(scratch);
        Self::with(authority, Dovecot::MECHANISMS, |doors| {
            let server = Box::new(Postfix::start_secured(scratch, doors, logins.socket()));
            (server, Some(logins))
        })
    }

    /// Exim, which keeps its logins itself.
    pub fn exim(scratch: &Scratch, authority: &Authority) -> Self {
        Self::with(authority, &["PLAIN", "LOGIN", "CRAM-MD5"], |doors| {
            (Box::new(Exim::start_secured(scratch, doors)), None)
        })
    }

    /// OpenSMTPD, which knows no other mechanisms.
    pub fn opensmtpd(scratch: &Scratch, authority: &Authority) -> Self {
        Self::with(authority, &["PLAIN", "LOGIN"], |doors| {
            (Box::new(OpenSmtpd::start(scratch, doors)), None)
        })
    }

    fn with(
        authority: &Authority,
        mechanisms: &'static [&'static str],
        start: impl FnOnce(&Doors<'_>) -> (Box<dyn Smarthost>, Option<Dovecot>),
    ) -> Self {
        let doors = Doors { starttls: free_port(), implicit: free_port(), authority };
        let (server, logins) = start(&doors);
        Self {
            server,
            starttls: doors.starttls,
            implicit: doors.implicit,
            mechanisms,
            _logins: logins,
        }
    }
}
