//! One session's world: client, relay, smarthosts, the links between them, and time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use address::{Canonical, PersonRules};
use evidence::{Ending, Mint, Verdict};
use policy::{
    Action, Admission, Asked, Inquiry, Lists, LookUp, Lookup, Lookups, OptOutGate, QuestionId,
    RelayControl, StreamRule, Streams,
};
use relay::{
    Access, Answer, AuthOffer, CapabilityRecord, Contact, Event, HoldBudget, HoldSettings, Mixed,
    OpenFailure, Relay, RelaySettings, Routes, SessionFacts, Side, SmarthostId, Upstream, Way,
};
use smtp_session::{
    Client as ClientRole, ClientEvent, ClientSettings, Moment, ServerSettings, StartTls, Timeouts,
    UseTls,
};
use suppression::{
    AddressKeys, Day, Digest, Kind, Scope, Stream, StreamClass, Subject, Suppression,
};
use testkit::{Dice, Link, Manner, ScriptedSmarthost};

use crate::client::Client;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    Through,
    Held,
    Drop,
    ContactAtMail,
    Streams,
    StreamsWhole,
    StreamsDrop,
    Live,
    LiveStreams,
}

impl Setup {
    pub(crate) const ALL: [Self; 9] = [
        Self::Through,
        Self::Held,
        Self::Drop,
        Self::ContactAtMail,
        Self::Streams,
        Self::StreamsWhole,
        Self::StreamsDrop,
        Self::Live,
        Self::LiveStreams,
    ];

    /// Headers decide what a message is.
    pub(crate) fn has_streams(self) -> bool {
        matches!(self, Self::Streams | Self::StreamsWhole | Self::StreamsDrop | Self::LiveStreams)
    }

    /// Nearly everybody has to be asked about over a network.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::LiveStreams)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) lost_upstreams: u64,
    pub(crate) noops: u64,
    /// Recipients for whom the header had to decide.
    pub(crate) provisional: u64,
    /// Messages delivered to one of them.
    pub(crate) settled: u64,
    /// Recipients refused after the header.
    pub(crate) not_settled: u64,
    /// Questions about several recipients.
    pub(crate) together: u64,
    /// Questions that nobody answered in time.
    pub(crate) unanswered: u64,
    /// Answers for transactions that had ended meanwhile.
    pub(crate) too_late: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.lost_upstreams += other.lost_upstreams;
        self.noops += other.noops;
        self.provisional += other.provisional;
        self.settled += other.settled;
        self.not_settled += other.not_settled;
        self.together += other.together;
        self.unanswered += other.unanswered;
        self.too_late += other.too_late;
    }
}

/// Suppressed: `no...@`; unknown: `maybe...@`; asked live: local parts ending in `l`, or
/// nearly all. On one stream only: `noreceipt...@`, `noads...@`, `maybeads...@`.
#[derive(Debug)]
struct MadeUpLists {
    /// Only local parts ending in `1` are known without asking.
    live: bool,
}

/// Recipients that came up together and are asked about together, as the driver does.
struct Group {
    asked: Vec<(QuestionId, Box<Asked>)>,
    /// The answer does not come before.
    from: Moment,
    /// The database does not answer: when it is given up.
    never: bool,
    /// The transaction it was asked for has ended; another one may run.
    gone: bool,
}

/// What became of the look-ups of one address.
#[derive(Debug, Default)]
struct Inquired {
    asked: u32,
    /// Nobody answered in time: these must not be shown to the smarthost.
    unanswered: u32,
    shown: u32,
}

/// The time limit of the live lists.
const LIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the lists say of an address for a stream: permitted, refused or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Permitted,
    Suppressed,
    Unknown,
}

/// The stream that has everything no rule fits.
const REST: &str = "default";
const RECEIPTS: &str = "receipts";

fn fact(address: &str, stream: &str) -> Fact {
    let address = address.to_ascii_lowercase();
    let (of, fact) = if address.starts_with("noreceipt") {
        (Some(RECEIPTS), Fact::Suppressed)
    } else if address.starts_with("noads") {
        (Some(REST), Fact::Suppressed)
    } else if address.starts_with("maybeads") {
        (Some(REST), Fact::Unknown)
    } else if address.starts_with("no") {
        (None, Fact::Suppressed)
    } else if address.starts_with("maybe") {
        (None, Fact::Unknown)
    } else {
        (None, Fact::Permitted)
    };
    if of.is_none_or(|of| of == stream) { fact } else { Fact::Permitted }
}

fn opinion(address: &Canonical, stream: &Stream) -> Lookup {
    match fact(address.exact(), &stream.name) {
        Fact::Permitted => Lookup::Clear,
        Fact::Unknown => Lookup::Unknown("list".to_owned()),
        Fact::Suppressed => Lookup::Suppressed(Suppression {
            source: "list".to_owned(),
            kind: Kind::OptOut,
            scope: Scope::Commercial,
            since: Day::from_number(20_000),
            subject: Subject::Address,
            position: 7,
        }),
    }
}

impl Lists for MadeUpLists {
    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let address = inquiry.address;
        let known = if self.live { address.exact().contains("1@") } else { true };
        if address.exact().contains("l@") || !known {
            LookUp::Later
        } else {
            LookUp::Now(inquiry.streams.iter().map(|stream| opinion(address, stream)).collect())
        }
    }

    fn epoch(&self) -> u64 {
        1
    }
}

/// One connection to a smarthost, seen from the relay's side of the network.
struct Wire {
    smarthost: ScriptedSmarthost,
    to: Link,
    from: Link,
    /// Who was shown to the smarthost since the last MAIL.
    envelope: Vec<String>,
}

pub(crate) struct World {
    setup: Setup,
    budget: Arc<HoldBudget>,
    dice: Dice,
    now: Moment,
    relay: Relay,
    client: Client,
    to_relay: Link,
    to_client: Link,
    /// Connections of the past stay: what they took counts.
    wires: Vec<Wire>,
    live: Option<usize>,
    dialing: Option<(usize, ClientRole)>,
    parked: Option<(usize, Box<Upstream>)>,
    groups: Vec<Group>,
    /// Of this transaction, by address.
    inquired: HashMap<String, Inquired>,
    intent: bool,
    wants_upstream: bool,
    manner: Manner,
    outcomes: Vec<(Option<String>, Ending)>,
    client_closed: bool,
    told_end: bool,
    totals: Totals,
    pub(crate) trace: bool,
}

impl World {
    pub(crate) fn new(setup: Setup, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let now = Moment::new(Duration::from_secs(1), 1_772_452_800_000_000);
        let budget = Arc::new(HoldBudget::new(30_000));
        let hold = HoldSettings::new(20_000, Arc::clone(&budget));
        let settings = RelaySettings {
            hostname: "gate.example".to_owned(),
            access: Access { control: RelayControl::new(vec![Admission::default()]) },
            action: match setup {
                Setup::Drop | Setup::StreamsDrop => Action::Drop,
                _ => Action::Refuse,
            },
            contact: if setup == Setup::ContactAtMail {
                Contact::Sender
            } else {
                Contact::Recipient
            },
            way: if setup == Setup::Held { Way::Held(hold) } else { Way::Through },
            mixed: if setup == Setup::StreamsWhole { Mixed::RefuseWhole } else { Mixed::Defer },
            header: HoldSettings::new(2_000, Arc::clone(&budget)),
            message_size_max: 25_000,
            recipients_max: 4,
            plain_recipients: false,
            auth: AuthOffer::Off,
            routes: Routes::default(),
        };
        let server = ServerSettings {
            hostname: "gate.example".to_owned(),
            greeting: b"220 gate.example ESMTP\r\n".to_vec(),
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(300),
            errors_max: 10,
            starttls: StartTls::Off,
        };
        let gate = OptOutGate::new(
            Arc::new(MadeUpLists { live: setup.is_live() }),
            PersonRules::default(),
            vec!["gate.example".to_owned()],
            Arc::new(Streams::new(if setup.has_streams() { rules() } else { Vec::new() })),
        );
        let relay = Relay::new(
            Arc::new(settings),
            Arc::new(server),
            SessionFacts {
                id: "s".into(),
                client: "192.0.2.1".parse().unwrap(),
                listener: "192.0.2.9:25".parse().unwrap(),
                login: None,
                tls: None,
            },
            gate,
            [Arc::new(CapabilityRecord::default())].into(),
            Arc::new(Mint::new(0)),
            now,
        );
        let manner = manner(&mut dice);
        let client = Client::new(dice.roll(), &addresses(setup), manner.stray + manner.silent > 0);
        Self {
            setup,
            budget,
            dice,
            now,
            relay,
            client,
            to_relay: Link::default(),
            to_client: Link::default(),
            wires: Vec::new(),
            live: None,
            dialing: None,
            parked: None,
            groups: Vec::new(),
            inquired: HashMap::new(),
            intent: false,
            wants_upstream: false,
            manner,
            outcomes: Vec::new(),
            client_closed: false,
            told_end: false,
            totals: Totals::default(),
            trace: false,
        }
    }

    pub(crate) fn run(mut self) -> Totals {
        let mut steps = 0_u32;
        self.drain();
        while !self.relay.is_finished() {
            steps += 1;
            assert!(steps < 20_000, "no end in sight");
            if !self.step() {
                self.pass_time();
            }
            self.drain();
            if self.relay.is_idle() {
                self.groups.iter_mut().for_each(|group| group.gone = true);
                self.inquired.clear();
            }
            self.check_always();
        }
        self.check_at_end();
        self.totals
    }

    /// One thing that can happen now, chosen by the dice; false when nothing can.
    fn step(&mut self) -> bool {
        let first = self.dice.below(8);
        (0..8).any(|offset| match (first + offset) % 8 {
            0 => self.client_speaks(),
            1 => self.relay_hears_client(),
            2 => self.client_hears(),
            3 => self.smarthost_hears(),
            4 => self.relay_hears_smarthost(),
            5 => self.dial(),
            6 => self.answer(),
            _ => self.misfortune(),
        })
    }

    fn client_speaks(&mut self) -> bool {
        if self.client_closed {
            return false;
        }
        let more = self.client.push_body();
        let any = more || !self.client.output().is_empty();
        self.to_relay.send(self.client.output());
        if self.client.closed {
            self.client_closed = true;
            self.to_relay.close();
            return true;
        }
        any
    }

    fn relay_hears_client(&mut self) -> bool {
        if self.to_relay.at_end() {
            // The end is told once.
            if self.client_closed && !self.told_end {
                self.relay.handle_eof(self.now, Side::Downstream);
                self.told_end = true;
                return true;
            }
            return false;
        }
        if self.to_relay.is_empty() || !self.relay.wants_input() {
            return false;
        }
        let bytes = self.to_relay.arrive(&mut self.dice);
        if self.trace {
            println!("C: {:?}", String::from_utf8_lossy(&bytes));
        }
        let used = self.relay.handle_bytes(self.now, Side::Downstream, &bytes);
        self.to_relay.keep(&bytes[used..]);
        used > 0
    }

    fn client_hears(&mut self) -> bool {
        if self.to_client.is_empty() {
            return false;
        }
        let bytes = self.to_client.arrive(&mut self.dice);
        if self.trace {
            println!("S: {:?}", String::from_utf8_lossy(&bytes));
        }
        if !self.client_closed {
            self.client.handle_bytes(&bytes);
        }
        true
    }

    fn smarthost_hears(&mut self) -> bool {
        let mut any = false;
        for wire in &mut self.wires {
            if !wire.to.is_empty() {
                let bytes = wire.to.arrive(&mut self.dice);
                if self.trace {
                    println!("U> {:?}", String::from_utf8_lossy(&bytes));
                }
                wire.smarthost.handle_bytes(&bytes);
                any = true;
            }
            any |= !wire.smarthost.output().is_empty();
            wire.from.send(wire.smarthost.output());
            if wire.smarthost.closed {
                wire.from.close();
            }
        }
        any
    }

    fn relay_hears_smarthost(&mut self) -> bool {
        let Some(at) = self.live.or(self.dialing.as_ref().map(|(at, _)| *at)) else { return false };
        let wire = &mut self.wires[at];
        let bytes = wire.from.arrive(&mut self.dice);
        let end = wire.from.at_end();
        if bytes.is_empty() && !end {
            return false;
        }
        if self.trace {
            println!("U< {:?} end {end}", String::from_utf8_lossy(&bytes));
        }
        match &mut self.dialing {
            Some((_, role)) => {
                role.handle_bytes(self.now, &bytes);
                if bytes.is_empty() {
                    role.handle_eof();
                }
            }
            None if bytes.is_empty() => self.relay.handle_eof(self.now, Side::Upstream),
            None => {
                self.relay.handle_bytes(self.now, Side::Upstream, &bytes);
            }
        }
        true
    }

    fn dial(&mut self) -> bool {
        if std::mem::take(&mut self.wants_upstream) {
            if let Some((at, upstream)) = self.parked.take()
                && self.wires[at].from.is_empty()
                && !self.wires[at].from.at_end()
            {
                self.live = Some(at);
                self.relay.answer(self.now, Answer::Opened(Ok(upstream)));
                return true;
            }
            if self.dice.permille(20) {
                let failure = OpenFailure::Unreachable;
                self.relay.answer(self.now, Answer::Opened(Err(failure)));
                return true;
            }
            let smarthost = ScriptedSmarthost::new(self.manner.clone(), self.dice.roll());
            self.wires.push(Wire {
                smarthost,
                to: Link::default(),
                from: Link::default(),
                envelope: Vec::new(),
            });
            let role = ClientRole::new(Arc::new(client_settings()), self.now);
            self.dialing = Some((self.wires.len() - 1, role));
            return true;
        }
        let Some((at, mut role)) = self.dialing.take() else { return false };
        let spoke = !role.output().is_empty();
        self.wires[at].to.send(role.output());
        match role.poll_event() {
            Some(ClientEvent::Ready) => {
                self.live = Some(at);
                let upstream = Box::new(Upstream::new(role, SmarthostId(0)));
                self.relay.answer(self.now, Answer::Opened(Ok(upstream)));
                true
            }
            Some(ClientEvent::Lost(why)) => {
                self.wires[at].to.close();
                let failure = OpenFailure::Lost(why);
                self.relay.answer(self.now, Answer::Opened(Err(failure)));
                true
            }
            _ => {
                self.dialing = Some((at, role));
                spoke
            }
        }
    }

    fn answer(&mut self) -> bool {
        let due = |group: &Group| self.now.reached(group.from);
        let ready = self.groups.iter().filter(|group| due(group)).count();
        if ready > 0 {
            let chosen = self.dice.below(ready);
            let at = (0..self.groups.len()).filter(|at| due(&self.groups[*at])).nth(chosen);
            let group = self.groups.swap_remove(at.expect("one that is ready"));
            self.answer_group(group);
            return true;
        }
        if std::mem::take(&mut self.intent) {
            // As the driver does: whatever the smarthost has said by now is heard first.
            if let Some(at) = self.live {
                while !self.wires[at].from.is_empty() {
                    let bytes = self.wires[at].from.arrive(&mut self.dice);
                    self.relay.handle_bytes(self.now, Side::Upstream, &bytes);
                }
            }
            let written = !self.dice.permille(20);
            self.relay.answer(self.now, Answer::IntentWritten(written));
            return true;
        }
        false
    }

    fn answer_group(&mut self, group: Group) {
        self.totals.together += u64::from(group.asked.len() > 1);
        self.totals.unanswered += u64::from(group.never);
        self.totals.too_late += u64::from(group.gone);
        for (id, asked) in group.asked {
            if group.never && !group.gone {
                self.inquired.entry(asked.written().to_owned()).or_default().unanswered += 1;
            }
            let answer = |one: &Arc<Stream>| match group.never {
                true => Lookup::Unknown("no answer in time".to_owned()),
                false => opinion(asked.address(), one),
            };
            let mut answers: Lookups = asked.streams().map(answer).collect();
            // Whoever gives too few answers has permitted nobody.
            if group.never && self.dice.permille(300) {
                answers.truncate(self.dice.below(answers.len() + 1));
            }
            self.relay.answer(self.now, Answer::LookedUp(id, asked, answers));
        }
    }

    /// A question about everybody who came up in this turn.
    fn ask(&mut self, asked: Vec<(QuestionId, Box<Asked>)>) {
        if asked.is_empty() {
            return;
        }
        for (_, one) in &asked {
            self.inquired.entry(one.written().to_owned()).or_default().asked += 1;
        }
        let never = self.setup.is_live() && self.dice.permille(50);
        let after = match never {
            true => LIVE_TIMEOUT,
            // At once, or only when nothing else can happen.
            false => Duration::from_millis(self.dice.below(3) as u64 * 20),
        };
        self.groups.push(Group { asked, from: self.now.plus(after), never, gone: false });
    }

    fn misfortune(&mut self) -> bool {
        if self.dice.below(1500) > 0 {
            return false;
        }
        match self.dice.below(3) {
            0 if !self.client_closed => {
                self.client_closed = true;
                self.to_relay.cut();
                self.to_client.cut();
                true
            }
            1 if self.live.is_some() => {
                let at = self.live.unwrap_or(0);
                self.wires[at].from.cut();
                self.wires[at].to.cut();
                true
            }
            2 => {
                self.relay.drain(self.now);
                true
            }
            _ => false,
        }
    }

    /// Nothing can happen: the clock moves to the next timer.
    fn pass_time(&mut self) {
        self.client.asleep = false;
        let role = self.dialing.as_ref().and_then(|(_, role)| role.poll_timeout());
        let due = Moment::earliest(self.relay.poll_timeout(), role);
        let answers = self.groups.iter().map(|group| group.from);
        let due = answers.fold(due, |due, from| Moment::earliest(due, Some(from)));
        let Some(due) = due else {
            panic!("nothing can happen and no timer is set: {:?} {:?}", self.relay, self.dialing)
        };
        self.now = self.now.plus(due.since(self.now));
        if let Some((_, role)) = &mut self.dialing {
            role.handle_timeout(self.now);
        }
        self.relay.handle_timeout(self.now);
    }

    /// Everything the relay wants done.
    fn drain(&mut self) {
        let mut buffer = Vec::new();
        self.relay.poll_transmit(Side::Downstream, &mut buffer);
        self.to_client.send(&mut buffer);
        if self.relay.poll_transmit(Side::Upstream, &mut buffer) {
            // (5) what waits for the smarthost is bounded.
            assert!(buffer.len() <= 160 * 1024, "{} octets for the smarthost", buffer.len());
            let at = self.live.expect("output for a connection that is there");
            self.check_commands(at, &buffer);
            self.wires[at].to.send(&mut buffer);
        }
        let mut asked = Vec::new();
        while let Some(event) = self.relay.poll_event() {
            if self.trace {
                println!("   {event:?}");
            }
            match event {
                Event::OpenUpstream(_) => self.wants_upstream = true,
                Event::ReleaseUpstream(upstream) => {
                    let at = self.live.take().expect("a connection to give back");
                    // (4) nothing of one transaction is left for the next.
                    assert!(upstream.is_at_rest());
                    self.parked = Some((at, upstream));
                }
                Event::DropUpstream => {
                    let at = self.live.take().expect("a connection to drop");
                    self.wires[at].to.close();
                    self.totals.lost_upstreams += 1;
                }
                Event::UpstreamLost(_) | Event::Denied(_) => {}
                Event::StartTls | Event::Authenticate(_) | Event::LoginEnded { .. } => {
                    panic!("not offered")
                }
                Event::Ask(id, one) => asked.push((id, one)),
                Event::Decided(record) => {
                    match record.verdict {
                        Verdict::Refuse | Verdict::Drop => self.totals.refused += 1,
                        Verdict::Provisional => self.totals.provisional += 1,
                        _ => {}
                    }
                    // After the header: one stream is left, where there were two.
                    if self.setup.has_streams()
                        && record.stream.is_some()
                        && record.verdict != Verdict::Permit
                    {
                        self.totals.not_settled += 1;
                    }
                }
                Event::Intent(_) => self.intent = true,
                Event::Outcome(record) => {
                    self.outcomes.push((record.message_id.clone(), record.ending));
                }
                Event::Close(_) => self.to_client.close(),
            }
        }
        self.ask(asked);
    }

    /// (1) Should this be DATA: for whom, and is that right for this very message? No
    /// line of the clients' content looks like these commands.
    fn check_commands(&mut self, at: usize, commands: &[u8]) {
        let stream = self.client.sending().map_or(REST, |message| message.stream);
        let wire = &mut self.wires[at];
        for line in String::from_utf8_lossy(commands).lines() {
            if line.starts_with("MAIL FROM:") {
                wire.envelope.clear();
                self.inquired.values_mut().for_each(|one| one.shown = 0);
            } else if let Some(path) = line.strip_prefix("RCPT TO:<") {
                let path = path.split('>').next().unwrap_or_default();
                wire.envelope.push(path.to_owned());
                if let Some(inquired) = self.inquired.get_mut(path) {
                    inquired.shown += 1;
                    let known = inquired.asked - inquired.unanswered;
                    assert!(inquired.shown <= known, "{path} was shown without an answer");
                }
            } else if line == "DATA" {
                for path in &wire.envelope {
                    if !self.setup.has_streams() || fact(path, stream) == Fact::Permitted {
                        continue;
                    }
                    // Only one that the smarthost itself has refused is in no envelope.
                    let accepted = wire.smarthost.accepted().contains(&format!("<{path}>"));
                    assert!(
                        wire.to.is_empty() && wire.from.is_empty() && !accepted,
                        "DATA with {path} in the envelope, and this is {stream}"
                    );
                }
            }
        }
    }

    fn check_always(&self) {
        let streams: &[&str] = if self.setup.has_streams() { &[RECEIPTS, REST] } else { &[REST] };
        for wire in &self.wires {
            for path in &wire.smarthost.seen {
                // (1) neither who opted out nor who cannot be told, on every stream.
                let bare = path.trim_matches(['<', '>']);
                let some = streams.iter().any(|stream| fact(bare, stream) == Fact::Permitted);
                assert!(some, "{path} was shown to the smarthost");
            }
            assert!(wire.smarthost.nonsense.is_empty(), "{:?}", wire.smarthost.nonsense);
        }
        assert!(self.relay_output_is_bounded());
    }

    fn relay_output_is_bounded(&self) -> bool {
        self.to_client.len() < 256 * 1024
    }

    fn check_at_end(&mut self) {
        // What the client has not read yet still reaches it, unless it is gone.
        while !self.to_client.is_empty() {
            self.client_hears();
        }
        for wire in &mut self.wires {
            while !wire.to.is_empty() {
                let bytes = wire.to.arrive(&mut self.dice);
                wire.smarthost.handle_bytes(&bytes);
            }
            self.totals.noops += wire.smarthost.noops as u64;
        }
        self.check_always();
        // (5) what was held is given back.
        assert_eq!(self.budget.left(), 30_000);
        let deliveries: Vec<_> =
            self.wires.iter().flat_map(|wire| wire.smarthost.deliveries.iter()).collect();
        for message in &self.client.messages {
            let taken: Vec<_> = deliveries
                .iter()
                .filter(|one| holds(&one.content, message.id.as_bytes()))
                .collect();
            let told = message.dot_reply;
            let endings: Vec<_> = self
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
                let told = &message.recipients_told_250;
                let promised = told.iter().any(|path| !is_listed(path, message.stream));
                let dropped = endings.contains(&Ending::Dropped) && !promised;
                assert!(dropped || taken.len() == 1, "(2) 250 without delivery: {}", message.id);
                self.totals.accepted += 1;
            }
            if let Some(delivery) = taken.first() {
                // (2) exactly these bytes, behind one Received field.
                let after = strip_received(&delivery.content);
                assert_eq!(after, message.content, "content changed: {}", message.id);
                // (1) nobody got what the stream does not permit.
                for path in &delivery.recipients {
                    let stream = if self.setup.has_streams() { message.stream } else { REST };
                    let bare = path.trim_matches(['<', '>']);
                    assert_eq!(fact(bare, stream), Fact::Permitted, "{path} got {}", message.id);
                    if ["noads", "noreceipt", "maybeads"].iter().any(|one| bare.starts_with(one)) {
                        self.totals.settled += 1;
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
                    sorted(&message.recipients_told_250),
                    "recipients differ: {}",
                    message.id
                );
                // (3) the client knows, or the record says that nobody does.
                let knows = told.is_some_and(|code| code / 100 == 2);
                let unknown = endings.contains(&Ending::Unknown);
                assert!(
                    knows || unknown || self.told_in_flight(&endings),
                    "(3) delivered, client told {told:?}, recorded {endings:?}: {}",
                    message.id
                );
                if unknown {
                    self.totals.unknown += 1;
                }
            }
        }
    }

    /// The reply had left the relay when the connection broke: no program can know.
    fn told_in_flight(&self, endings: &[Ending]) -> bool {
        self.client_closed && endings.contains(&Ending::Accepted)
    }
}

/// Whether the made-up lists hold it: answered 250 all the same under `drop`.
fn is_listed(path: &str, stream: &str) -> bool {
    fact(path.trim_matches(['<', '>']), stream) == Fact::Suppressed
}

fn addresses(setup: Setup) -> Vec<String> {
    let all = [
        "yes1", "yes2", "yes3", "yes4", "yes5", "yesl", "no1", "no2", "nol", "maybe1", "NO1",
        "no1+tag", "\"no1\"",
    ];
    let some = [
        "noads1",
        "noads2",
        "noads3",
        "noadsl",
        "NoAds4",
        "noreceipt1",
        "noreceipt2",
        "maybeads1",
        "yes1",
        "yes2",
        "no1",
        "maybe1",
    ];
    let locals: &[&str] = if setup.has_streams() { &some } else { &all };
    locals.iter().map(|local| format!("<{local}@there.example>")).collect()
}

fn rules() -> Vec<StreamRule> {
    let receipts = StreamRule {
        stream: Stream::new(RECEIPTS, StreamClass::Transactional),
        header: vec![("X-Kind".parse().unwrap(), vec!["receipt*".parse().unwrap()])],
        ..StreamRule::default()
    };
    vec![receipts]
}

fn manner(dice: &mut Dice) -> Manner {
    let words = ["PIPELINING", "8BITMIME", "SIZE 24000", "DSN", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
    let extensions =
        words.iter().filter(|_| dice.permille(700)).map(|word| (*word).to_owned()).collect();
    let mut rare = |often: usize| if dice.permille(120) { often } else { 0 };
    // A reply too many and one too few cancel each other out, and nobody could tell.
    let (stray, silent) = if rare(1) == 1 { (rare(30), 0) } else { (0, rare(30)) };
    Manner {
        extensions,
        old: rare(1) == 1,
        refuse_recipient: rare(200),
        defer_recipient: rare(200),
        refuse_sender: rare(100),
        refuse_data: rare(100),
        refuse_message: rare(200),
        close: rare(40),
        shutdown: rare(40),
        garble: rare(30),
        stray,
        confuse: rare(50),
        silent,
        interrupt: rare(100),
    }
}

fn client_settings() -> ClientSettings {
    let timeouts = Timeouts {
        command: Duration::from_secs(300),
        data_asked: Duration::from_secs(120),
        dot: Duration::from_secs(570),
    };
    ClientSettings { hostname: "gate.example".to_owned(), timeouts, starttls: UseTls::Never }
}

fn holds(content: &[u8], what: &[u8]) -> bool {
    content.windows(what.len()).any(|window| window == what)
}

/// The content behind the first field, which must be our Received.
fn strip_received(content: &[u8]) -> Vec<u8> {
    assert!(
        content.starts_with(b"Received: from client.example ([192.0.2.1])\r\n\tby gate.example")
    );
    let mut at = 0;
    loop {
        let line = content[at..].iter().position(|byte| *byte == b'\n').expect("a line end");
        at += line + 1;
        if !content[at..].starts_with(b"\t") {
            return content[at..].to_vec();
        }
    }
}
