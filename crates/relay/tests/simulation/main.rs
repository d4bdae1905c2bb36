//! Whole sessions against made-up clients and smarthosts, cut, delayed and garbled
//! anywhere, with the clock turned by hand.
//!
//! The invariants, checked at every step and at the end of every run:
//!
//! 1. no DATA is sent with a recipient whom the message's stream does not permit, and an
//!    address that every possible stream refuses never appears upstream;
//! 2. the client saw 250 to its dot => the smarthost took exactly these bytes for
//!    exactly the recipients answered 250, once (or, under `drop`, nobody was left);
//! 3. the smarthost took a message => the client saw 250, or a record says `unknown`;
//! 4. every reply answers its own command;
//! 5. memory stays within the limits;
//! 6. nothing of one client's session or identity is ever seen in another's: every address,
//!    parameter and message of a session carries its mark, and no command, delivery, reply or
//!    record of another holds it;
//! 7. a smarthost that waits for a held message gets NOOPs at the interval, and none once DATA
//!    was said;
//! 8. what filters refuse, or have not judged yet, goes no further: no recipient is shown to a
//!    smarthost, no dot is sent; of each transaction that they were shown they hear the end;
//! 9. nobody gets a message of a class that they, the listener or the smarthost refuse; no
//!    `SOLICIT=` goes upstream that the header of the message does not say, and none is missing
//!    where the smarthost offers it and the header has one well-formed field;
//! 10. a client that is seen to be gone before our dot gets no dot sent: it comes again;
//! 11. a message that a gate over headers stops gets no dot sent and is never told 250; each gate's
//!     finding is written down once; what is added to a header stands once in front of it, where it
//!     was missing, and everything else is as it came.
//!
//! The sessions of a world share its smarthosts, one to three, and the connections to them:
//! some cannot be had, some are lost in the middle, some kept ones are closed behind
//! everybody's back.
//!
//! Clients ask for TLS and log in at any point. After STARTTLS nothing is left of what was learned
//! before; who sent something behind it in the clear is heard no more; mail goes upstream under
//! the login that its client has, and under no other.
//!
//! Every run belongs to a seed. A failure prints it; run it alone with
//! `OPTGATE_SIM_SEED=<seed> cargo test -p relay --test simulation one_seed -- --nocapture`.
//! `OPTGATE_SIM_WORLDS` sets how many are run by each of the tests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod client;
mod filters;
mod gates;
mod lists;
mod logins;
mod session;
mod setup;
mod smarthosts;
mod solicits;
mod world;

use std::io::Write as _;

use setup::{Setup, Totals};
use world::World;

/// Twenty-one tests together: at least a hundred thousand sessions, about two in each world.
const WORLDS: u64 = 4_000;

fn run_many(setup: Setup, first: u64) {
    let worlds = std::env::var("OPTGATE_SIM_WORLDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(WORLDS);
    let mut seen = Totals::default();
    for seed in first..first + worlds {
        let result = std::panic::catch_unwind(|| World::new(setup, seed).run());
        match result {
            Ok(totals) => seen.add(&totals),
            Err(cause) => {
                println!("simulation failed: OPTGATE_SIM_SETUP={setup:?} OPTGATE_SIM_SEED={seed}");
                std::panic::resume_unwind(cause);
            }
        }
    }
    // Not by println, which a test that passes swallows: the seeds are to be seen.
    let last = first + worlds;
    let sessions = seen.sessions;
    let _ = writeln!(std::io::stderr(), "{setup:?}: seeds {first}..{last}: {seen:?}");
    // A simulation in which nothing happens proves nothing.
    assert!(seen.accepted > sessions / 10, "too few messages arrived: {seen:?}");
    assert!(seen.refused > sessions / 10, "too few recipients were refused: {seen:?}");
    assert!(seen.unknown > sessions / 2000, "too few outcomes were unknown: {seen:?}");
    assert_eq!(seen.noops > 0, setup.holds(), "NOOP belongs to the held way: {seen:?}");
    if setup.has_streams() {
        assert!(seen.provisional > sessions / 10, "too few headers had to decide: {seen:?}");
        assert!(seen.settled > sessions / 100, "too few of them permitted: {seen:?}");
        assert!(seen.not_settled > sessions / 100, "too few of them did not: {seen:?}");
    }
    if setup.is_live() {
        assert!(seen.together > sessions / 10, "too few questions about several: {seen:?}");
        assert!(seen.unanswered > sessions / 50, "too few look-ups without answer: {seen:?}");
        assert!(seen.too_late > sessions / 1000, "too few answers came too late: {seen:?}");
    }
    // A connection on which somebody has logged in is not shared, and nobody else is asked.
    let passed = setup == Setup::Passed;
    assert!(passed || seen.shared > sessions / 25, "too few connections were shared: {seen:?}");
    let rare = if setup.has_logins() || setup.has_filters() { 400 } else { 200 };
    assert!(passed || seen.stale > sessions / rare, "too few of them were stale: {seen:?}");
    assert!(passed || seen.failed_over > sessions / 100, "too few envelopes failed over: {seen:?}");
    if setup.has_logins() {
        assert!(seen.secured > sessions / 10, "too few handshakes: {seen:?}");
        assert!(seen.injected > sessions / 50, "too few injections: {seen:?}");
        assert!(seen.logins > sessions / 10, "too few logins: {seen:?}");
        assert!(seen.logins_refused > sessions / 50, "too few wrong passwords: {seen:?}");
        assert!(seen.logins_cancelled > sessions / 50, "too few cancelled: {seen:?}");
    }
    assert_eq!(seen.bound > sessions / 10, passed, "logins passed through: {seen:?}");
    let by_header = setup == Setup::Routes;
    assert_eq!(seen.rerouted > sessions / 100, by_header, "routes by the header: {seen:?}");
    if setup.has_filters() {
        assert!(seen.judged > sessions / 20, "too few messages were judged: {seen:?}");
        assert!(seen.filters_refused > sessions / 20, "too few were refused: {seen:?}");
        assert!(seen.too_late_filtered > sessions / 2000, "too few answers too late: {seen:?}");
        assert!(seen.never_filtered > sessions / 200, "too few filters were silent: {seen:?}");
        let holds = setup != Setup::Judged;
        assert_eq!(seen.changed > sessions / 100, holds, "changed content: {seen:?}");
        assert_eq!(seen.on_time > sessions / 100, holds, "NOOPs on time: {seen:?}");
        assert_eq!(seen.pieced > sessions / 200, holds, "shown in pieces: {seen:?}");
    }
    let gates = setup.has_gates();
    assert_eq!(seen.gates_stopped > sessions / 20, gates, "stopped by gates: {seen:?}");
    assert_eq!(seen.gates_trusted > sessions / 500, gates, "let pass by one: {seen:?}");
    assert_eq!(seen.completed > sessions / 50, gates, "completed: {seen:?}");
    let solicit = setup.has_classes();
    assert_eq!(seen.solicited > sessions / 100, solicit, "SOLICIT= of clients: {seen:?}");
    assert_eq!(seen.from_header > sessions / 100, solicit, "of headers: {seen:?}");
    assert_eq!(seen.spared > sessions / 100, solicit, "other classes: {seen:?}");
    assert_eq!(seen.classes_refused > sessions / 20, solicit, "refusals: {seen:?}");
    assert!(seen.lost_upstreams > sessions / 100, "too few smarthosts were lost: {seen:?}");
}

#[test]
fn through() {
    run_many(Setup::Through, 1_000_000);
}

#[test]
fn held() {
    run_many(Setup::Held, 2_000_000);
}

#[test]
fn dropping() {
    run_many(Setup::Drop, 3_000_000);
}

#[test]
fn contact_at_mail() {
    run_many(Setup::ContactAtMail, 4_000_000);
}

#[test]
fn streams() {
    run_many(Setup::Streams, 5_000_000);
}

#[test]
fn streams_refused_whole() {
    run_many(Setup::StreamsWhole, 6_000_000);
}

#[test]
fn streams_dropped() {
    run_many(Setup::StreamsDrop, 7_000_000);
}

#[test]
fn live_lists() {
    run_many(Setup::Live, 8_000_000);
}

#[test]
fn live_lists_and_streams() {
    run_many(Setup::LiveStreams, 9_000_000);
}

#[test]
fn routes() {
    run_many(Setup::Routes, 10_000_000);
}

#[test]
fn logins() {
    run_many(Setup::Logins, 11_000_000);
}

#[test]
fn logins_passed_through() {
    run_many(Setup::Passed, 12_000_000);
}

#[test]
fn judged_by_a_copy() {
    run_many(Setup::Judged, 13_000_000);
}

#[test]
fn judged_streams() {
    run_many(Setup::JudgedStreams, 14_000_000);
}

#[test]
fn milters() {
    run_many(Setup::Milters, 15_000_000);
}

#[test]
fn milters_dropping() {
    run_many(Setup::MiltersDrop, 16_000_000);
}

#[test]
fn milters_with_contact_at_mail() {
    run_many(Setup::MiltersAtMail, 17_000_000);
}

#[test]
fn solicitation() {
    run_many(Setup::Solicit, 18_000_000);
}

#[test]
fn header_gates() {
    run_many(Setup::Gates, 19_000_000);
}

#[test]
fn header_gates_and_streams() {
    run_many(Setup::GatesStreams, 20_000_000);
}

#[test]
fn everything_together() {
    run_many(Setup::Everything, 21_000_000);
}

/// Re-runs the seed in `OPTGATE_SIM_SEED` in every setup; without it, seed 0.
#[test]
fn one_seed() {
    let seed =
        std::env::var("OPTGATE_SIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let only = std::env::var("OPTGATE_SIM_SETUP").ok();
    for setup in Setup::ALL {
        if only.as_ref().is_none_or(|only| *only == format!("{setup:?}")) {
            let mut world = World::new(setup, seed);
            if std::env::var("OPTGATE_SIM_SEED").is_ok() {
                world.trace();
            }
            println!("{setup:?}: {:?}", world.run());
        }
    }
}
