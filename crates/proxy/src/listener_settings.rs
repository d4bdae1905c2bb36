//! Where clients come in, and by which settings they are served there.

use std::net::SocketAddr;
use std::sync::Arc;

use policy::Networks;
use relay::RelaySettings;
use smtp_session::ServerSettings;

use crate::filter::FilterSettings;
use crate::notice::Notice;
use crate::tls::server::ServerTls;

/// One place to listen at.
#[derive(Debug)]
pub struct ListenerSettings {
    /// Address and port.
    pub address: SocketAddr,
    /// When a client is refused that may not relay, whatever it does.
    pub refuse_at: RefuseAt,
    /// Front ends that must say by the PROXY protocol who the client is, and nobody else may
    /// connect; none: clients connect by themselves.
    pub proxy_protocol: Networks,
    /// For the relay of each session.
    pub relay: Arc<RelaySettings>,
    /// For the server role of each session.
    pub server: Arc<ServerSettings>,
    /// The greeting that [`Self::server`] has, for the evidence.
    pub notice: Arc<Notice>,
    /// For TLS; none: there is none.
    pub tls: Option<Arc<ServerTls>>,
    /// What looks at messages, as `relay` says it is asked; none: nobody does.
    pub filters: Option<Arc<FilterSettings>>,
}

/// When a client is refused that may not relay, whatever it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefuseAt {
    /// By 554 instead of the greeting (RFC 5321 s3.1).
    #[default]
    Greeting,
    /// By 550 or 530 to MAIL.
    Mail,
}
