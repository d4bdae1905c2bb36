//! The product: couples the client's session and the smarthost's with policy.
//!
//! The queue-less rule lives here and nowhere else: a recipient is shown to the
//! smarthost only after the gates cleared it; 250 is said only after the smarthost
//! said 250; what was not accepted stays with the client. No sockets, no clocks, no
//! dice: [`Relay`] is fed with bytes, moments and answers, so that it can be run a
//! million times against simulated clients and smarthosts that are cut, delayed and
//! garbled anywhere.
//!
//! ```text
//!  Idle --MAIL--> Envelope --354--> Streaming --dot--> Intent --written--> Dot
//!   ^                |  \               | upstream lost, flaw, too big      |
//!   |                |   \--held 354-> Holding ------> v                     |
//!   |                |  (NOOPs) header or dot, DATA  Swallowing --dot--> reply |
//!   +---- RSET, refusal --------------- + --------------------- reply ------+
//! ```
//!
//! Where content is judged as it streams, `Judging` stands between the dot and `Intent`; where it
//! is judged before DATA, that is a step of `Holding`.

mod access;
mod all_replies;
mod auth;
mod author_gate;
mod authors;
mod bond;
mod budget;
mod completion;
mod data;
mod decided;
mod dot;
mod envelope;
mod event;
mod exchange;
mod facts;
mod feed;
mod fields;
mod filter;
mod filter_content;
mod filter_envelope;
mod filtered;
mod gates;
mod header;
mod header_block;
mod header_lines;
mod held_way;
mod hold;
mod identity;
mod introduction;
mod link;
mod login_name;
mod offers;
mod passed_auth;
mod phase;
mod recipient;
mod record;
mod relay;
mod replies;
mod second_envelope;
mod session;
mod settings;
mod shown;
mod solicit;
mod solicit_scan;
mod steps;
mod trace;
mod tries;
mod upstream;
mod verbatim;
mod waits;
mod way;

pub use all_replies::all as relay_replies;
pub use event::{Answer, AuthAnswer, AuthQuestion, Denied, Event, OpenFailure, Side, Wanted};
pub use filter::{
    ContentNeed, FilterAnswer, FilterContent, FilterMail, FilterPiece, FilterStep, FilterVerdict,
    Filtered, Filters, JudgedStreams, Readers,
};
pub use hold::{HoldBudget, HoldSettings, Room};
pub use offers::CapabilityRecord;
pub use relay::Relay;
pub use settings::{
    Access, AuthOffer, Contact, MessageRules, Mixed, RelaySettings, RouteId, Routes, SessionFacts,
    SmarthostId, TlsFacts, Way,
};
pub use upstream::Upstream;
