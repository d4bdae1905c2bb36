//! A world: several sessions at once, the smarthosts they share, and time.

use std::time::Duration;

use evidence::Ending;
use smtp_session::Moment;
use testkit::{Delivery, Dice};

use crate::client::Message;
use crate::filters::Said;
use crate::gates;
use crate::lists::{Fact, RECEIPTS, REST, fact, is_listed};
use crate::session::Session;
use crate::setup::{Setup, Totals};
use crate::smarthosts::{Net, assert_own, is_on};
use crate::solicits;

pub(crate) struct World {
    net: Net,
    sessions: Vec<Session>,
    seed: u64,
    /// Clients that have not connected yet.
    to_come: usize,
    /// They come one after another; otherwise they are there together.
    in_turn: bool,
}

impl World {
    pub(crate) fn new(setup: Setup, seed: u64) -> Self {
        let now = Moment::new(Duration::from_secs(1), 1_772_452_800_000_000);
        let mut net = Net::new(setup, Dice::new(seed), now);
        let to_come = 1 + net.dice.below(3);
        let in_turn = net.dice.permille(500);
        Self { net, sessions: Vec::new(), seed, to_come, in_turn }
    }

    pub(crate) fn trace(&mut self) {
        self.net.trace = true;
    }

    pub(crate) fn run(mut self) -> Totals {
        let mut steps = 0_u32;
        while self.to_come > 0 || self.sessions.iter().any(|session| !session.over) {
            steps += 1;
            assert!(steps < 60_000, "no end in sight");
            if !self.step() {
                self.pass_time();
            }
            self.net.check();
            self.check_room();
        }
        self.check_at_end();
        self.net.totals.sessions = self.sessions.len() as u64;
        self.net.totals
    }

    /// One thing that can happen now, chosen by the dice; false when nothing can.
    fn step(&mut self) -> bool {
        let own = self.sessions.len() * Session::ACTIONS;
        let all = own + 3;
        let first = self.net.dice.below(all);
        (0..all).any(|offset| match (first + offset) % all {
            at if at < own => {
                self.sessions[at / Session::ACTIONS].act(&mut self.net, at % Session::ACTIONS)
            }
            at if at == own => self.net.smarthosts_hear(),
            at if at == own + 1 => self.net.close_kept(),
            _ => self.connect(),
        })
    }

    /// (5) What filters have counts, whether anybody still waits for them or not.
    fn check_room(&self) {
        let lent: usize = self.sessions.iter().map(|session| session.desk.octets()).sum();
        let counted = self.net.budget_whole - self.net.budget.left();
        assert!(lent <= counted, "(5) filters have {lent} octets, and {counted} count");
    }

    fn connect(&mut self) -> bool {
        let there = self.sessions.iter().any(|session| !session.over);
        if self.to_come == 0 || (self.in_turn && there) {
            return false;
        }
        self.to_come -= 1;
        let number = self.sessions.len() + 1;
        self.sessions.push(Session::new(&mut self.net, self.seed, number));
        true
    }

    /// Nothing can happen: the clock moves to the next timer.
    fn pass_time(&mut self) {
        let open = self.sessions.iter().filter(|session| !session.over);
        let due = open.map(Session::due).fold(None, Moment::earliest);
        let Some(due) = due else { panic!("nothing can happen and no timer is set") };
        self.net.now = self.net.now.plus(due.since(self.net.now));
        for session in self.sessions.iter_mut().filter(|session| !session.over) {
            session.time_passed(&mut self.net);
        }
    }

    fn check_at_end(&mut self) {
        // What the clients have not read yet still reaches them, unless they are gone.
        for session in &mut self.sessions {
            while session.client_hears(&mut self.net) {}
        }
        for wire in &mut self.net.wires {
            while !wire.to.is_empty() {
                let bytes = wire.to.arrive(&mut self.net.dice);
                wire.smarthost.handle_bytes(&bytes);
            }
            self.net.totals.noops += wire.smarthost.noops as u64;
        }
        self.net.check();
        // (5) what was held is given back.
        self.sessions.iter_mut().for_each(|session| session.desk.end());
        assert_eq!(self.net.budget.left(), self.net.budget_whole);
        let net = &mut self.net;
        let deliveries: Vec<(u16, bool, &Delivery)> = net
            .wires
            .iter()
            .flat_map(|wire| {
                wire.smarthost.deliveries.iter().map(|one| (wire.at.0, wire.solicits, one))
            })
            .collect();
        for (number, session) in (1..).zip(&self.sessions) {
            let logins = session.client.logins;
            net.totals.logins += logins.accepted;
            net.totals.logins_refused += logins.refused;
            net.totals.logins_cancelled += logins.cancelled;
            for message in &session.client.messages {
                let taken: Vec<_> = deliveries
                    .iter()
                    .filter(|(_, _, one)| holds(&one.content, message.id.as_bytes()))
                    .copied()
                    .collect();
                check_message(net.setup, &mut net.totals, session, number, message, &taken);
            }
        }
        // Whatever was delivered is a message of one of them.
        let messages = || self.sessions.iter().flat_map(|session| &session.client.messages);
        for (_, _, one) in &deliveries {
            let owners = messages().filter(|message| holds(&one.content, message.id.as_bytes()));
            assert_eq!(owners.count(), 1, "a message of nobody's");
        }
    }
}

fn check_message(
    setup: Setup,
    totals: &mut Totals,
    session: &Session,
    number: usize,
    message: &Message,
    taken: &[(u16, bool, &Delivery)],
) {
    let told = message.dot_reply;
    totals.gates_stopped += u64::from(message.was_stopped());
    // (11) what a gate stops is never told 250.
    let good = told.is_some_and(|code| code / 100 == 2);
    assert!(!(good && message.was_stopped()), "(11) {} was stopped, and told 250", message.id);
    let endings: Vec<_> = session
        .outcomes
        .iter()
        .filter(|(id, _)| id.as_deref() == Some(message.id.as_str()))
        .map(|(_, ending)| *ending)
        .collect();
    assert!(taken.len() <= 1, "delivered twice: {}", message.id);
    assert!(!message.flawed || taken.is_empty(), "a flawed message was delivered");
    if told.is_some_and(|code| code / 100 == 2) {
        // Under `drop` nobody may be left: whoever was answered 250 and is not on
        // the list was promised to get it.
        let promised = !session.promised(message).is_empty();
        let discarded = session.desk.said.get(&message.id) == Some(&Said::Discarded)
            || session.desk.discarded.contains(&message.id);
        let dropped = endings.contains(&Ending::Dropped) && (!promised || discarded);
        assert!(dropped || taken.len() == 1, "(2) 250 without delivery: {}", message.id);
        totals.accepted += 1;
    }
    let Some((at, solicits, delivery)) = taken.first() else { return };
    // (2) exactly these bytes, behind one Received field.
    let after = strip_received(&delivery.content, number);
    let completes = session.desk.completes;
    let (after, expected) = match session.desk.said.get(&message.id) {
        Some(Said::Changed(content)) => (&after[..], content),
        _ => (gates::sent(message, completes, &after), &message.content),
    };
    assert_eq!(after, expected, "content changed: {}", message.id);
    // (11) what gates stop is nobody's.
    gates::check(setup, message);
    totals.gates_trusted += u64::from(message.was_trusted());
    totals.completed += u64::from(completes && message.lacks());
    // (8) what the filters stopped is nobody's.
    session.desk.check_dot(message);
    // (6) and nothing of anybody else's session around them.
    assert_own(&delivery.content, number, "delivered");
    for line in &delivery.envelope {
        assert_own(line.as_bytes(), number, "in an envelope");
        let sent = |command: &String| solicits::split(command).0 == solicits::split(line).0;
        assert!(message.commands.iter().any(sent), "(6) {line}: none of {:?}", message.commands);
    }
    // (9) everybody's classes.
    let own = session.own_classes.as_ref();
    solicits::check(own, totals, message, (*at, delivery), *solicits);
    if setup == Setup::Routes {
        let route = u16::from(message.stream != RECEIPTS);
        assert!(is_on(route, *at), "{} mail went to smarthost {at}", message.stream);
    }
    // (1) nobody got what the stream does not permit.
    for path in &delivery.recipients {
        let stream = if setup.has_streams() { message.stream } else { REST };
        let bare = path.trim_matches(['<', '>']);
        assert_eq!(fact(bare, stream), Fact::Permitted, "{path} got {}", message.id);
        if ["noads", "noreceipt", "maybeads"].iter().any(|one| bare.starts_with(one)) {
            totals.settled += 1;
        }
    }
    // One that had to be asked for may go upstream behind later ones.
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.retain(|path| !is_listed(path, message.stream));
        list.sort();
        list
    };
    assert_eq!(
        sorted(&delivery.recipients),
        session.promised(message),
        "recipients differ: {}",
        message.id
    );
    // (3) the client knows, or the record says that nobody does.
    let knows = told.is_some_and(|code| code / 100 == 2);
    let unknown = endings.contains(&Ending::Unknown);
    // The reply had left the relay when the connection broke: no program can know.
    let in_flight = session.client_closed && endings.contains(&Ending::Accepted);
    assert!(
        knows || unknown || in_flight,
        "(3) delivered, client told {told:?}, recorded {endings:?}: {}",
        message.id
    );
    totals.unknown += u64::from(unknown);
}

fn holds(content: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(content, what).is_some()
}

/// The content behind the first field, which must be our Received.
fn strip_received(content: &[u8], number: usize) -> Vec<u8> {
    let ours = format!("Received: from client.example ([192.0.2.{number}])\r\n\tby gate.example");
    assert!(content.starts_with(ours.as_bytes()), "(6) {:?}", String::from_utf8_lossy(content));
    let mut at = 0;
    loop {
        let line = content[at..].iter().position(|byte| *byte == b'\n').expect("a line end");
        at += line + 1;
        if !content[at..].starts_with(b"\t") {
            return content[at..].to_vec();
        }
    }
}
