//! Sockets and clocks around the relay: moves bytes in and out, keeps limits.
//!
//! Every decision is made in `relay`; this crate only knows how to read, write,
//! connect, wait and stop. One task serves one session with both its sockets, so
//! that reads and writes always progress together; an idle session owns no buffer.

mod asking;
mod breaker;
mod clock;
mod counters;
mod denied;
mod dial;
mod driver;
mod farewell;
mod filter;
mod gate;
mod introduction;
mod line;
mod listener;
mod listener_settings;
mod login;
mod notice;
mod pool;
mod postmaster;
mod proxy_protocol;
mod rates;
mod recorder;
mod refused;
mod replies;
mod scratch;
mod seats;
mod session;
mod shared;
mod smarthost;
mod smarthosts;
mod socket;
mod tls;
mod unsettled;
mod upgrade;
mod users;

pub use clock::Clock;
pub use counters::{Counters, CountersView};
pub use filter::{
    FilterSettings, Milter, MilterAddress, MilterHealth, MilterSettings, OnFailure, Signer,
};
pub use gate::{Gate, Prepared};
pub use introduction::Introduce;
pub use listener::{GateError, GateParts};
pub use listener_settings::{ListenerSettings, RefuseAt};
pub use login::{Providing, SmarthostLogin};
pub use notice::Notice;
pub use pool::PoolSettings;
pub use postmaster::{NotDelivered, OwnMessage};
pub use rates::{RateLimits, RateSettings};
pub use recorder::{Commit, Recorder};
pub use replies::all as proxy_replies;
pub use seats::Limits;
pub use smarthost::{Smarthost, SmarthostSettings, SmarthostState};
pub use smarthosts::Smarthosts;
pub use tls::certificates::{Certificates, Refreshed};
pub use tls::client::{ClientMode, ClientTls, ClientTlsFault, ClientTlsSettings};
pub use tls::files::FileFault;
pub use tls::key_file::KeyFile;
pub use tls::pair::{Pair, PairFiles};
pub use tls::server::{Begin, ServerTls};
pub use unsettled::UnsettledMessages;
pub use users::{Users, Verifying};
