//! A relay on a stage: one call to let a side speak, plain fields to see what came
//! of it. No socket, no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use address::{Canonical, PersonRules};
use evidence::Mint;
use policy::{
    Action, Admission, Asked, ClassRefusal, Inquiry, Lists, LookUp, Lookup, Lookups, OptOutGate,
    QuestionId, RelayControl, SenderRule, SenderRules, StreamRule, Streams,
};
use relay::{
    Access, Answer, CapabilityRecord, Contact, Denied, Event, Filters, HoldBudget, HoldSettings,
    MessageRules, Mixed, OpenFailure, Relay, RelaySettings, RouteId, Routes, SessionFacts, Side,
    SmarthostId, Upstream, Wanted, Way,
};
use smtp_session::{
    Client, ClientEvent, ClientSettings, Floors, Moment, ServerSettings, Timeouts, UseTls,
};
use smtp_wire::{ClientIdentity, Solicitation};
use suppression::{AddressKeys, Day, Digest, Kind, Scope, Stream, Subject, Suppression};

use crate::filters::FilterStage;
use crate::gates::{self, Remembered};
use crate::identity::{Identity, Introduce};

type Name = Option<Arc<str>>;

/// How the stage is set.
#[derive(Debug, Clone)]
pub(crate) struct Scenery {
    /// Who opted out, of one stream or (empty) of all.
    pub(crate) suppressed: Vec<(String, String)>,
    /// Of whom nothing is known, on one stream or (empty) on all.
    pub(crate) unknown: Vec<(String, String)>,
    /// Of whom a live list has to be asked.
    pub(crate) live: Vec<String>,
    /// Who opted out and may still be mailed.
    pub(crate) in_grace: Vec<String>,
    pub(crate) streams: Vec<StreamRule>,
    pub(crate) mixed: Mixed,
    pub(crate) header_max: usize,
    pub(crate) budget: usize,
    /// EHLO keywords; `None`: nobody answers.
    pub(crate) smarthost: Option<Vec<String>>,
    /// Another one (`Some(None)`: it does not answer): then it is written down which is
    /// opened.
    pub(crate) second: Option<Option<Vec<String>>>,
    /// The streams whose mail goes to the second one only, all others to the first.
    pub(crate) to_second: Vec<String>,
    /// A connection in the place of another is there only when time has passed.
    pub(crate) slow: bool,
    /// What the client is offered comes from this; the same as `smarthost` unless set.
    pub(crate) record: Option<Vec<String>>,
    pub(crate) action: Action,
    pub(crate) contact: Contact,
    pub(crate) held: Option<usize>,
    pub(crate) gates: Vec<String>,
    pub(crate) complete: bool,
    pub(crate) filters: Filters,
    pub(crate) copy_max: usize,
    pub(crate) size_max: u64,
    pub(crate) recipients_max: u32,
    pub(crate) errors_max: u32,
    pub(crate) evidence_works: bool,
    /// Everybody may send unless this says otherwise.
    pub(crate) access: Access,
    pub(crate) identity: Identity,
    /// Records name people in plain.
    pub(crate) plain: bool,
    pub(crate) senders: Vec<SenderRule>,
    /// The listener's own classes, where NO-SOLICITING is on.
    pub(crate) no_soliciting: Option<Solicitation>,
    /// Who refuses which class; `?` in front: who may.
    pub(crate) refuses: Vec<(String, String)>,
}

impl Default for Scenery {
    fn default() -> Self {
        let words = ["PIPELINING", "SIZE 100000", "8BITMIME", "SMTPUTF8", "DSN"];
        Self {
            suppressed: Vec::new(),
            unknown: Vec::new(),
            live: Vec::new(),
            in_grace: Vec::new(),
            streams: Vec::new(),
            mixed: Mixed::Defer,
            header_max: 1_000,
            budget: 1_000_000,
            smarthost: Some(words.map(str::to_owned).to_vec()),
            second: None,
            to_second: Vec::new(),
            slow: false,
            record: None,
            action: Action::Refuse,
            contact: Contact::Recipient,
            held: None,
            gates: Vec::new(),
            complete: false,
            filters: Filters::default(),
            copy_max: usize::MAX,
            size_max: 100_000,
            recipients_max: 100,
            errors_max: 10,
            evidence_works: true,
            identity: Identity::default(),
            plain: false,
            access: Access {
                control: RelayControl::new(vec![Admission::default()]),
                ..Access::default()
            },
            senders: Vec::new(),
            no_soliciting: None,
            refuses: Vec::new(),
        }
    }
}

struct Written(Scenery);

impl Written {
    fn opinion(&self, person: &str, stream: &str) -> Lookup {
        let on = |list: &[(String, String)]| {
            list.iter().any(|(of, one)| one == person && (of.is_empty() || of == stream))
        };
        let scope = match self.0.suppressed.iter().find(|(_, one)| one == person) {
            Some((of, _)) if !of.is_empty() => Scope::Named(of.clone()),
            _ => Scope::Commercial,
        };
        let entry = entry("crm.csv", scope, 7);
        if on(&self.0.suppressed) {
            Lookup::Suppressed(entry)
        } else if on(&self.0.unknown) {
            Lookup::Unknown("crm.csv was never read".to_owned())
        } else if self.0.in_grace.iter().any(|one| one == person) {
            Lookup::InGrace(entry, Day::from_number(20_528))
        } else {
            Lookup::Clear
        }
    }
}

fn entry(source: &str, scope: Scope, position: u32) -> Suppression {
    Suppression {
        source: source.to_owned(),
        kind: Kind::OptOut,
        scope,
        since: Day::from_number(20_514),
        subject: Subject::Address,
        position,
    }
}

impl Lists for Written {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let person = inquiry.address.person();
        if self.0.live.iter().any(|one| one == person) {
            return LookUp::Later;
        }
        let answer = |stream: &&Stream| self.opinion(person, &stream.name);
        LookUp::Now(inquiry.streams.iter().map(answer).collect())
    }

    fn refused_classes(&self, inquiry: &Inquiry<'_>) -> Vec<ClassRefusal> {
        let own = self.0.refuses.iter().filter(|(who, _)| who == inquiry.address.person());
        let refusal = |(_, class): &(String, String)| match class.strip_prefix('?') {
            Some(class) => {
                let why = "crm.csv was never read".to_owned();
                ClassRefusal::Unknown(Scope::Named(class.to_owned()), why)
            }
            None => ClassRefusal::Entry(entry("crm.csv", Scope::Named(class.clone()), 8)),
        };
        own.map(refusal).collect()
    }

    fn epoch(&self) -> u64 {
        1
    }
}

pub(crate) struct Stage {
    pub(crate) relay: Relay,
    scenery: Scenery,
    now: Moment,
    leftover: Vec<u8>,
    /// What the client has got.
    pub(crate) to_client: Vec<u8>,
    /// What the smarthost has got, behind EHLO.
    pub(crate) to_smarthost: Vec<u8>,
    /// Verdicts and endings with the streams, in the words of the evidence: `permit`,
    /// `refuse news`, `provisional news/default -default`, `accepted news`.
    pub(crate) records: Vec<String>,
    /// Login and TLS of each record.
    pub(crate) seen: Vec<(Name, Name)>,
    /// Times the smarthost's connection was dropped.
    pub(crate) dropped: usize,
    pub(crate) closed: bool,
    /// Questions to the live list, each with everybody who came up together.
    pub(crate) questions: Vec<Vec<String>>,
    asked: VecDeque<Vec<(QuestionId, Box<Asked>)>>,
    pub(crate) filters: FilterStage,
    live: bool,
    parked: Option<Box<Upstream>>,
    pub(crate) budget: Arc<HoldBudget>,
    wanted: Option<Wanted>,
}

impl Stage {
    pub(crate) fn new(scenery: Scenery) -> Self {
        let now = Moment::new(Duration::from_secs(1), 1_772_452_800_000_000);
        let budget = Arc::new(HoldBudget::new(scenery.budget));
        let streams = Arc::new(Streams::new(scenery.streams.clone()));
        let xclient =
            matches!(scenery.identity.introduce, Introduce::Xclient | Introduce::Carelessly);
        let mut routes = Routes { introduce: xclient, ..Routes::default() };
        if !scenery.to_second.is_empty() {
            let second =
                |stream: &Arc<Stream>| scenery.to_second.iter().any(|one| **one == *stream.name);
            routes.by_stream =
                streams.iter().map(|(_, stream)| RouteId(u16::from(second(stream)))).collect();
        }
        let settings = RelaySettings {
            hostname: "mail.example.com".to_owned(),
            access: Access {
                senders: SenderRules::new(scenery.senders.clone()),
                ..scenery.access.clone()
            },
            action: scenery.action,
            contact: scenery.contact,
            way: if scenery.held.is_some() { Way::Held } else { Way::Through },
            mixed: scenery.mixed,
            header: HoldSettings::new(scenery.header_max, Arc::clone(&budget)),
            hold: HoldSettings::new(scenery.held.unwrap_or(scenery.copy_max), Arc::clone(&budget)),
            message: MessageRules {
                gates: gates::gates(&scenery.gates, &streams),
                complete: scenery.complete,
                unsettled: Some(Arc::new(Remembered::default())),
            },
            filters: scenery.filters.clone(),
            no_soliciting: scenery.no_soliciting.clone(),
            message_size_max: scenery.size_max,
            recipients_max: scenery.recipients_max,
            plain_recipients: scenery.plain,
            auth: scenery.identity.auth.clone(),
            routes,
            xclient: scenery.identity.xclient.clone(),
        };
        let server = ServerSettings {
            hostname: "mail.example.com".to_owned(),
            greeting: b"220 mail.example.com ESMTP\r\n".to_vec(),
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(300),
            errors_max: scenery.errors_max,
            floors: Floors::default(),
            starttls: scenery.identity.starttls,
        };
        let lists = Written(scenery.clone());
        let own = vec!["example.com".to_owned()];
        let record = Arc::new(CapabilityRecord::default());
        if let Some(words) = scenery.record.as_ref().or(scenery.smarthost.as_ref()) {
            record.store(connected(words, SmarthostId(0), now).capabilities());
        }
        let mut known = vec![Arc::clone(&record)];
        known.extend(scenery.second.iter().map(|_| Arc::new(CapabilityRecord::default())));
        let relay = Relay::new(
            Arc::new(settings),
            Arc::new(server),
            SessionFacts {
                id: "s1".into(),
                client: "192.0.2.7".parse().unwrap(),
                port: Some(40_000),
                listener: "192.0.2.9:25".parse().unwrap(),
                login: None,
                mechanism: None,
                tls: None,
            },
            OptOutGate::new(Arc::new(lists), PersonRules::default(), own, streams),
            known.into(),
            Arc::new(Mint::new(0, [0; 32])),
            now,
        );
        let mut stage = Self {
            relay,
            scenery,
            now,
            leftover: Vec::new(),
            to_client: Vec::new(),
            to_smarthost: Vec::new(),
            records: Vec::new(),
            seen: Vec::new(),
            dropped: 0,
            closed: false,
            questions: Vec::new(),
            asked: VecDeque::new(),
            filters: FilterStage::default(),
            live: false,
            parked: None,
            budget,
            wanted: None,
        };
        stage.drain();
        stage
    }

    pub(crate) fn client_says(&mut self, bytes: &[u8]) {
        self.leftover.extend_from_slice(bytes);
        self.drain();
    }

    pub(crate) fn client_closes(&mut self) {
        // Its end is seen behind all that it has sent, by whoever reads it.
        assert!(self.leftover.is_empty() && self.relay.wants_input(), "nobody reads the client");
        self.relay.handle_eof(self.now, Side::Downstream);
        self.drain();
    }

    /// Its connection is reset.
    pub(crate) fn client_breaks(&mut self) {
        self.relay.handle_client_broken(self.now);
        self.drain();
    }

    /// The process is to end.
    pub(crate) fn gate_is_to_end(&mut self) {
        self.relay.drain(self.now);
        self.drain();
    }

    pub(crate) fn has_smarthost(&self) -> bool {
        self.live
    }

    pub(crate) fn smarthost_says(&mut self, bytes: &[u8]) {
        assert!(self.live, "no connection to the smarthost: {:?}", String::from_utf8_lossy(bytes));
        self.relay.handle_bytes(self.now, Side::Upstream, bytes);
        self.drain();
    }

    pub(crate) fn smarthost_closes(&mut self) {
        self.relay.handle_eof(self.now, Side::Upstream);
        self.drain();
    }

    /// The live list answers the oldest question, a word for each address.
    pub(crate) fn list_says(&mut self, words: &[String]) {
        let asked = self.asked.pop_front().unwrap();
        assert_eq!(asked.len(), words.len(), "{words:?}");
        for ((id, asked), word) in asked.into_iter().zip(words) {
            let answer = match word.as_str() {
                "clear" => Some(Lookup::Clear),
                "suppressed" => Some(Lookup::Suppressed(entry("crm", Scope::Commercial, 0))),
                "unknown" => Some(Lookup::Unknown("list crm: no answer in time".to_owned())),
                "nothing" => None,
                other => panic!("no answer `{other}`"),
            };
            let answers: Lookups = match answer {
                Some(answer) => asked.streams().map(|_| answer.clone()).collect(),
                None => Lookups::new(),
            };
            self.relay.answer(self.now, Answer::LookedUp(id, asked, answers));
        }
        self.drain();
    }

    /// The filters answer their oldest step.
    pub(crate) fn filters_say(&mut self, words: &str) {
        let (number, answer) = self.filters.answer(words);
        self.relay.answer(self.now, Answer::Filtered(number, answer));
        self.drain();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.relay.handle_timeout(self.now);
        if let Some(wanted) = self.wanted.take() {
            self.open(&wanted);
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let before = (self.leftover.len(), self.to_client.len(), self.to_smarthost.len());
            let used = self.relay.handle_bytes(self.now, Side::Downstream, &self.leftover);
            self.leftover.drain(..used);
            let mut out = Vec::new();
            self.relay.poll_transmit(Side::Downstream, &mut out);
            self.to_client.append(&mut out);
            self.relay.poll_transmit(Side::Upstream, &mut out);
            self.to_smarthost.append(&mut out);
            let mut any = false;
            let mut asked = Vec::new();
            while let Some(event) = self.relay.poll_event() {
                any = true;
                match event {
                    Event::Ask(id, one) => asked.push((id, one)),
                    other => self.handle(other),
                }
            }
            if !asked.is_empty() {
                self.questions
                    .push(asked.iter().map(|(_, one)| one.written().to_owned()).collect());
                self.asked.push_back(asked);
            }
            let after = (self.leftover.len(), self.to_client.len(), self.to_smarthost.len());
            if !any && before == after {
                return;
            }
        }
    }

    fn open(&mut self, wanted: &Wanted) {
        let only = match self.scenery.to_second.is_empty() {
            true => None,
            false => Some(SmarthostId(wanted.route.0)),
        };
        let may = |at| only.is_none_or(|only| only == at) && !wanted.avoid.contains(&at);
        let introduce = self.scenery.identity.introduce;
        let serves = |one: &Upstream| {
            introduce == Introduce::Carelessly
                || one.client().is_none_or(|told| Some(told) == wanted.client.as_ref())
        };
        let parked = self
            .parked
            .take_if(|one| !wanted.fresh && !wanted.bound && may(one.smarthost()) && serves(one));
        let (first, second) = (&self.scenery.smarthost, self.scenery.second.as_ref());
        let there = [(SmarthostId(0), Some(first)), (SmarthostId(1), second)];
        let mut allowed = there.iter().filter(|(at, _)| may(*at));
        let found = allowed.find_map(|(at, words)| Some((*at, words.as_ref()?.as_ref()?)));
        let mut said = Vec::new();
        let answer = match (parked, found) {
            (Some(parked), _) => Ok(parked),
            (None, Some((at, words))) => {
                let client = wanted.client.as_ref();
                let upstream = introduced(words, at, self.now, client, &mut said);
                let xforward = introduce == Introduce::Xforward;
                Ok(Box::new(if xforward { upstream.with_xforward() } else { upstream }))
            }
            (None, None) if !there.iter().any(|(at, one)| one.is_some() && may(*at)) => {
                Err(OpenFailure::NoneLeft)
            }
            (None, None) => Err(OpenFailure::Unreachable),
        };
        if self.scenery.second.is_some() {
            let which = match answer.as_ref().map(|upstream| upstream.smarthost()) {
                Ok(SmarthostId(0)) => "first",
                Ok(_) => "second",
                Err(_) => "nothing",
            };
            let fresh = match (wanted.fresh, wanted.bound) {
                (false, false) => "",
                (true, _) => " fresh",
                (_, true) => " bound",
            };
            self.to_smarthost.extend_from_slice(format!("opened {which}{fresh}\r\n").as_bytes());
        }
        self.to_smarthost.append(&mut said);
        self.live = answer.is_ok();
        self.relay.answer(self.now, Answer::Opened(answer));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::OpenUpstream(wanted) if self.scenery.slow && !wanted.avoid.is_empty() => {
                self.wanted = Some(wanted);
            }
            Event::OpenUpstream(wanted) => self.open(&wanted),
            Event::ReleaseUpstream(upstream) => {
                self.live = false;
                // As the pool does: the last word on it is QUIT.
                if upstream.is_spent() {
                    self.to_smarthost.extend_from_slice(b"QUIT\r\n");
                } else {
                    self.parked = Some(upstream);
                }
            }
            Event::DropUpstream => {
                self.live = false;
                self.dropped += 1;
            }
            Event::Denied(Denied::Rate(limit)) => {
                let (party, counted) = (word(&limit.party), word(&limit.counted));
                self.records.push(format!("limited {party} {counted}"));
            }
            Event::Denied(why) => self.records.push(format!("denied {}", word(&why))),
            Event::UpstreamLost(_) => {}
            Event::Greeted(client) => self.records.push(format!("greeted {client}")),
            event @ (Event::StartTls | Event::Authenticate(_) | Event::LoginEnded { .. }) => {
                let identity = self.scenery.identity.clone();
                self.records.extend(identity.handle(&mut self.relay, self.now, &event));
            }
            Event::Ask(..) => panic!("asked together with others, where it is polled"),
            Event::Decided(record) => {
                self.seen.push((record.login.clone(), record.tls.clone()));
                let mut words = word(&record.verdict);
                let streams = match &record.stream {
                    Some(stream) => vec![Arc::clone(stream)],
                    None => record.streams.clone(),
                };
                words += &format!(" {}", streams.join("/"));
                for refusing in &record.refusing {
                    words += &format!(" -{refusing}");
                }
                if record.gate.contains(' ') {
                    words += &format!(" by {}", record.gate);
                }
                if let Some(until) = record.until {
                    words += &format!(" until {until}");
                }
                self.records.push(words);
            }
            Event::Found(record) => {
                self.records.push(format!("{} {}", record.gate, word(&record.verdict)));
            }
            Event::Intent(record) => {
                self.seen.push((record.login.clone(), record.tls.clone()));
                let written = self.scenery.evidence_works;
                self.relay.answer(self.now, Answer::IntentWritten(written));
            }
            Event::Outcome(record) => {
                self.seen.push((record.login.clone(), record.tls.clone()));
                let stream = record.stream.as_deref().unwrap_or("?");
                self.records.push(format!("{} {stream}", word(&record.ending)));
            }
            Event::Filter(number, step) => self.filters.see(number, step),
            Event::Close(_) => self.closed = true,
        }
    }
}

fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

/// A connection past greeting and EHLO.
fn connected(words: &[String], at: SmarthostId, now: Moment) -> Upstream {
    introduced(words, at, now, None, &mut Vec::new())
}

/// The same in the name of `client`, if the smarthost takes XCLIENT, with what is said for it.
fn introduced(
    words: &[String],
    at: SmarthostId,
    now: Moment,
    client: Option<&Arc<ClientIdentity>>,
    said: &mut Vec<u8>,
) -> Upstream {
    let timeouts = Timeouts {
        command: Duration::from_secs(300),
        data_asked: Duration::from_secs(120),
        dot: Duration::from_secs(570),
    };
    let settings = ClientSettings {
        hostname: "mail.example.com".to_owned(),
        timeouts,
        starttls: UseTls::Never,
    };
    let mut role = Client::new(Arc::new(settings), now);
    if let Some(client) = client {
        role.introduce(Arc::clone(client));
    }
    role.handle_bytes(now, b"220 smarthost.example ESMTP\r\n");
    role.output().clear();
    let mut reply = String::from("250-smarthost.example\r\n");
    for word in words {
        reply.push_str(&format!("250-{word}\r\n"));
    }
    reply.push_str("250 HELP\r\n");
    role.handle_bytes(now, reply.as_bytes());
    if role.unsent() > 0 {
        said.append(role.output());
        role.handle_bytes(now, b"220 smarthost.example ESMTP\r\n");
        said.append(role.output());
        role.handle_bytes(now, reply.as_bytes());
    }
    assert_eq!(role.poll_event(), Some(ClientEvent::Ready));
    Upstream::new(role, at)
}
