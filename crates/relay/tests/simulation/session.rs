//! One session of a world: a client, its relay, and the links between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use address::PersonRules;
use evidence::{Ending, Mint, Verdict};
use policy::{
    Action, Admission, Asked, Lookup, Lookups, Networks, OptOutGate, QuestionId, RelayControl,
    Streams,
};
use relay::{
    Access, Answer, AuthAnswer, AuthOffer, AuthQuestion, Contact, Event, FilterAnswer,
    HoldSettings, Mixed, OpenFailure, Relay, RelaySettings, RouteId, Routes, SessionFacts, Side,
    SmarthostId, TlsFacts, Upstream, Wanted, Way,
};
use smtp_session::sasl::Mechanism;
use smtp_session::{
    Client as ClientRole, ClientEvent, ClientSettings, Floors, Moment, ServerSettings, StartTls,
    Timeouts, UseTls,
};
use smtp_wire::Solicitation;
use suppression::Stream;
use testkit::Link;

use crate::client::{Client, Message};
use crate::filters::{Desk, NOOP_EVERY};
use crate::gates;
use crate::lists::{Fact, MadeUpLists, REST, addresses, fact, is_listed, opinion, rules};
use crate::logins::{token, user};
use crate::setup::Setup;
use crate::smarthosts::{Net, Wire, assert_own};
use crate::solicits;

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

/// A connection on its way, one candidate after another as the driver does.
struct Dialing {
    wanted: Wanted,
    at: usize,
    role: ClientRole,
}

/// The time limit of the live lists.
const LIVE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Session {
    number: usize,
    /// Of its listener.
    pub(crate) own_classes: Option<Solicitation>,
    pub(crate) relay: Relay,
    pub(crate) client: Client,
    to_relay: Link,
    pub(crate) to_client: Link,
    live: Option<usize>,
    wanted: Option<Wanted>,
    dialing: Option<Dialing>,
    groups: Vec<Group>,
    /// Of this transaction, by address.
    inquired: HashMap<String, Inquired>,
    intent: bool,
    question: Option<AuthQuestion>,
    /// Nobody sends without a login.
    needs_login: bool,
    /// The client is to begin the handshake.
    securing: bool,
    ending: bool,
    pub(crate) desk: Desk,
    /// The client sends a message, and DATA has not gone upstream: since when, and how many
    /// NOOPs.
    held_since: Option<(Moment, u32)>,
    pub(crate) outcomes: Vec<(Option<String>, Ending)>,
    /// Transactions by Message-ID.
    transactions: HashMap<String, String>,
    /// Recipients that filters discarded under `drop`, with their transactions.
    dropped: Vec<(String, String)>,
    pub(crate) client_closed: bool,
    told_end: bool,
    pub(crate) over: bool,
}

impl Session {
    pub(crate) fn new(net: &mut Net, seed: u64, number: usize) -> Self {
        let setup = net.setup;
        let mut hold = HoldSettings::new(20_000, Arc::clone(&net.budget));
        let mut header = HoldSettings::new(2_000, Arc::clone(&net.budget));
        let mut wait_max = None;
        if setup.has_filters() || setup.has_gates() {
            (hold.limit, hold.noop_every) = (9_000, NOOP_EVERY);
            header.noop_every = NOOP_EVERY;
            wait_max = Some(Duration::from_secs(200));
        }
        let some = setup == Setup::Routes || setup.has_classes() || setup.has_gates();
        let held = setup == Setup::Held || (some && net.dice.permille(300));
        let own_classes = solicits::of_listener(setup, &mut net.dice);
        let mut routes = Routes::default();
        if setup == Setup::Routes {
            routes.by_stream = vec![RouteId(0), RouteId(1)];
        }
        let needs_login = setup.has_logins() && net.dice.permille(600);
        if setup == Setup::Passed {
            routes.reach = vec![SmarthostId(0)];
        }
        let streams =
            Arc::new(Streams::new(if setup.has_streams() { rules() } else { Vec::new() }));
        let receipts = streams.iter().map(|(id, _)| id).next();
        let mut desk = Desk::new(setup, &mut net.dice, receipts.filter(|_| setup.has_streams()));
        let message = gates::rules(setup, &mut net.dice, receipts.filter(|_| setup.has_streams()));
        desk.completes = message.complete;
        let settings = RelaySettings {
            hostname: "gate.example".to_owned(),
            access: Access {
                control: RelayControl::new(vec![Admission {
                    login: needs_login,
                    ..Admission::default()
                }]),
                wait_max,
                ..Access::default()
            },
            action: match setup {
                Setup::Drop | Setup::StreamsDrop | Setup::MiltersDrop => Action::Drop,
                _ => Action::Refuse,
            },
            contact: match setup {
                Setup::ContactAtMail | Setup::MiltersAtMail => Contact::Sender,
                _ => Contact::Recipient,
            },
            way: if held { Way::Held } else { Way::Through },
            mixed: if setup == Setup::StreamsWhole { Mixed::RefuseWhole } else { Mixed::Defer },
            header,
            hold,
            message,
            filters: desk.wishes.clone(),
            no_soliciting: own_classes.clone(),
            message_size_max: 25_000,
            recipients_max: 4,
            plain_recipients: setup.has_filters(),
            auth: match setup {
                Setup::Logins => AuthOffer::Users {
                    mechanisms: vec![Mechanism::Plain],
                    plaintext_without_tls: true,
                },
                Setup::Passed => AuthOffer::Smarthost { without_tls: true },
                _ => AuthOffer::Off,
            },
            routes,
            xclient: Networks::default(),
        };
        let server = ServerSettings {
            hostname: "gate.example".to_owned(),
            greeting: b"220 gate.example ESMTP\r\n".to_vec(),
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(300),
            errors_max: if setup.has_logins() { 30 } else { 10 },
            floors: Floors::default(),
            starttls: if setup.has_logins() { StartTls::Offered } else { StartTls::Off },
        };
        let gate = OptOutGate::new(
            Arc::new(MadeUpLists { live: setup.is_live() }),
            PersonRules::default(),
            vec!["gate.example".to_owned()],
            streams,
        );
        let relay = Relay::new(
            Arc::new(settings),
            Arc::new(server),
            SessionFacts {
                id: format!("s{number}").into(),
                client: format!("192.0.2.{number}").parse().unwrap(),
                port: None,
                listener: "192.0.2.9:25".parse().unwrap(),
                login: None,
                mechanism: None,
                tls: None,
            },
            gate,
            Arc::clone(&net.records),
            Arc::new(Mint::new(0, [0; 32])),
            net.now,
        );
        let addresses = addresses(setup, number);
        let (dice, lax) = (net.dice.roll(), net.is_out_of_step());
        let mut client = Client::new(dice, seed, number, &addresses, lax, setup.has_logins());
        if setup.has_classes() {
            client.solicit();
        }
        if setup.has_gates() {
            client.mark();
        }
        let mut session = Self {
            number,
            own_classes,
            relay,
            client,
            to_relay: Link::default(),
            to_client: Link::default(),
            live: None,
            wanted: None,
            dialing: None,
            groups: Vec::new(),
            inquired: HashMap::new(),
            intent: false,
            question: None,
            needs_login,
            securing: false,
            ending: false,
            desk,
            held_since: None,
            outcomes: Vec::new(),
            transactions: HashMap::new(),
            dropped: Vec::new(),
            client_closed: false,
            told_end: false,
            over: false,
        };
        session.drain(net);
        session
    }

    /// Kinds of things that can happen in a session.
    pub(crate) const ACTIONS: usize = 9;

    /// One thing that can happen now; false when it cannot.
    pub(crate) fn act(&mut self, net: &mut Net, action: usize) -> bool {
        if self.over {
            return false;
        }
        let done = match action {
            0 => self.client_speaks(),
            1 => self.relay_hears_client(net),
            2 => self.client_hears(net),
            3 => self.relay_hears_smarthost(net),
            4 => self.dial(net),
            5 => self.answer(net),
            6 => self.shake_hands(net),
            7 => self.filters_answer(net),
            _ => self.misfortune(net),
        };
        if done {
            self.turn_over(net);
        }
        done
    }

    /// Recipients of a message that were told 250 and are to get it.
    pub(crate) fn promised(&self, message: &Message) -> Vec<String> {
        let mut promised = message.recipients_told_250.clone();
        promised.retain(|path| !is_listed(path, message.stream));
        let transaction = self.transactions.get(&message.id);
        for (_, path) in self.dropped.iter().filter(|(of, _)| Some(of) == transaction) {
            let at = promised.iter().position(|one| one == path);
            promised.swap_remove(at.expect("a recipient that was told 250"));
        }
        promised.sort();
        promised
    }

    pub(crate) fn turn_over(&mut self, net: &mut Net) {
        self.drain(net);
        if self.relay.is_idle() {
            self.groups.iter_mut().for_each(|group| group.gone = true);
            self.inquired.clear();
        }
        // (5)
        assert!(self.to_client.len() < 256 * 1024);
        if self.relay.is_finished() {
            self.over = true;
            if let Some(dialing) = self.dialing.take() {
                net.wires[dialing.at].to.close();
            }
            assert_eq!(self.live, None, "the relay has left its smarthost behind");
            self.desk.check_at_end();
        }
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

    /// The end of the client's side is told once, when nothing is before it.
    fn relay_hears_end(&mut self, net: &Net) -> bool {
        let is_due = self.client_closed && self.to_relay.at_end() && !self.told_end;
        if is_due {
            self.relay.handle_eof(net.now, Side::Downstream);
            self.told_end = true;
        }
        is_due
    }

    fn relay_hears_client(&mut self, net: &mut Net) -> bool {
        if self.to_relay.at_end() {
            return self.relay_hears_end(net);
        }
        if self.to_relay.is_empty() || !self.relay.wants_input() {
            return false;
        }
        let bytes = self.to_relay.arrive(&mut net.dice);
        if net.trace {
            println!("C{}: {:?}", self.number, String::from_utf8_lossy(&bytes));
        }
        let used = self.relay.handle_bytes(net.now, Side::Downstream, &bytes);
        self.to_relay.keep(&bytes[used..]);
        used > 0
    }

    /// The client's handshake, as the driver does it: what is there already was sent before it.
    fn shake_hands(&mut self, net: &mut Net) -> bool {
        let early = self.client.injected && self.securing;
        if !(self.client.handshaking || early) || self.ending || !self.to_relay.is_empty() {
            return false;
        }
        assert!(self.securing, "the handshake of nobody");
        assert!(!early, "bytes behind STARTTLS, and the session goes on");
        self.securing = false;
        if net.dice.permille(30) {
            self.client_closed = true;
            self.to_relay.cut();
            self.to_client.cut();
            self.relay.handle_client_broken(net.now);
            return true;
        }
        let facts = TlsFacts { protocol: "TLSv1.3", cipher: "x", certificate: None };
        self.relay.handle_secured(net.now, facts);
        net.totals.secured += 1;
        self.client.secured();
        true
    }

    pub(crate) fn client_hears(&mut self, net: &mut Net) -> bool {
        if self.to_client.is_empty() {
            return false;
        }
        let bytes = self.to_client.arrive(&mut net.dice);
        if net.trace {
            println!("S{}: {:?}", self.number, String::from_utf8_lossy(&bytes));
        }
        if !self.client_closed {
            self.client.handle_bytes(&bytes);
        }
        true
    }

    fn relay_hears_smarthost(&mut self, net: &mut Net) -> bool {
        let dialing = self.dialing.as_ref().map(|dialing| dialing.at);
        let Some(at) = self.live.or(dialing) else { return false };
        let wire = &mut net.wires[at];
        let bytes = wire.from.arrive(&mut net.dice);
        let end = wire.from.at_end();
        if bytes.is_empty() && !end {
            return false;
        }
        if net.trace {
            println!("U{}< {:?} end {end}", wire.at.0, String::from_utf8_lossy(&bytes));
        }
        match (&mut self.dialing, self.live) {
            (_, Some(_)) if bytes.is_empty() => self.relay.handle_eof(net.now, Side::Upstream),
            (_, Some(_)) => {
                self.relay.handle_bytes(net.now, Side::Upstream, &bytes);
            }
            (Some(dialing), None) => {
                dialing.role.handle_bytes(net.now, &bytes);
                if bytes.is_empty() {
                    dialing.role.handle_eof();
                }
            }
            (None, None) => {}
        }
        true
    }

    fn dial(&mut self, net: &mut Net) -> bool {
        if let Some(wanted) = self.wanted.take() {
            if let Some(dialing) = self.dialing.take() {
                net.wires[dialing.at].to.close();
            }
            match net.take_kept(&wanted, self.number) {
                Some((at, upstream)) => {
                    self.live = Some(at);
                    self.relay.answer(net.now, Answer::Opened(Ok(upstream)));
                }
                None => self.dial_one_of(net, wanted, OpenFailure::Unreachable),
            }
            return true;
        }
        let Some(mut dialing) = self.dialing.take() else { return false };
        let spoke = !dialing.role.output().is_empty();
        let wire = &mut net.wires[dialing.at];
        wire.to.send(dialing.role.output());
        match dialing.role.poll_event() {
            Some(ClientEvent::Ready) => {
                self.live = Some(dialing.at);
                let upstream = Box::new(Upstream::new(dialing.role, wire.at));
                self.relay.answer(net.now, Answer::Opened(Ok(upstream)));
                true
            }
            Some(ClientEvent::Lost(why)) => {
                wire.to.close();
                let mut wanted = dialing.wanted;
                wanted.avoid.push(wire.at);
                self.dial_one_of(net, wanted, OpenFailure::Lost(why));
                true
            }
            _ => {
                self.dialing = Some(dialing);
                spoke
            }
        }
    }

    /// One candidate after another, until one of them listens.
    fn dial_one_of(&mut self, net: &mut Net, mut wanted: Wanted, mut failure: OpenFailure) {
        loop {
            let there = net.candidates(&wanted);
            if there.is_empty() {
                return self.relay.answer(net.now, Answer::Opened(Err(failure)));
            }
            let smarthost: SmarthostId = there[net.dice.below(there.len())];
            if net.dice.permille(30) {
                wanted.avoid.push(smarthost);
                failure = OpenFailure::Unreachable;
                continue;
            }
            let at = net.connect(smarthost, wanted.bound, self.number);
            let role = ClientRole::new(Arc::new(client_settings()), net.now);
            self.dialing = Some(Dialing { wanted, at, role });
            return;
        }
    }

    fn answer(&mut self, net: &mut Net) -> bool {
        let due = |group: &Group| net.now.reached(group.from);
        let ready = self.groups.iter().filter(|group| due(group)).count();
        if ready > 0 {
            let chosen = net.dice.below(ready);
            let due = |group: &Group| net.now.reached(group.from);
            let at = (0..self.groups.len()).filter(|at| due(&self.groups[*at])).nth(chosen);
            let group = self.groups.swap_remove(at.expect("one that is ready"));
            self.answer_group(net, group);
            return true;
        }
        if let Some(question) = self.question.take() {
            let answer = match question {
                _ if net.dice.permille(30) => AuthAnswer::Unavailable,
                _ if net.dice.permille(30) => AuthAnswer::TooManyFailures,
                AuthQuestion::Password { user: asked, password } => {
                    assert_eq!(asked, user(self.number), "(6)");
                    AuthAnswer::Verified(password.expose() == b"right")
                }
                AuthQuestion::Keys { .. } => panic!("SCRAM is not offered"),
            };
            self.relay.answer(net.now, Answer::Authenticated(answer));
            return true;
        }
        if std::mem::take(&mut self.intent) {
            // As the driver does: whatever the smarthost has said by now is heard first.
            if let Some(at) = self.live {
                while !net.wires[at].from.is_empty() {
                    let bytes = net.wires[at].from.arrive(&mut net.dice);
                    self.relay.handle_bytes(net.now, Side::Upstream, &bytes);
                }
            }
            // Likewise whether the client is still there.
            self.relay_hears_end(net);
            let written = !net.dice.permille(20);
            self.relay.answer(net.now, Answer::IntentWritten(written));
            return true;
        }
        false
    }

    fn filters_answer(&mut self, net: &mut Net) -> bool {
        let sending = self.client.sending();
        let answer = self.desk.answer(net.now, &mut net.dice, &mut net.totals, sending);
        let Some((number, answer)) = answer else { return false };
        if net.trace {
            println!("F{}: {number} {answer:?}", self.number);
        }
        if matches!(answer, FilterAnswer::Content(_)) {
            // From now on it may wait for something else than time.
            self.held_since = None;
        }
        self.relay.answer(net.now, Answer::Filtered(number, answer));
        true
    }

    /// All content is held until it is complete.
    fn holds_all(&self) -> bool {
        self.desk.wishes.change || self.desk.completes
    }

    /// (7) Nothing else can happen, so whatever is due by now has been done.
    fn check_noops(&mut self, net: &mut Net) {
        let Some((since, noops)) = self.held_since else { return };
        // One that leaves out replies may get the next NOOP only when it has answered the last.
        if self.live.is_none() || net.is_out_of_step() {
            self.held_since = None;
            return;
        }
        // What is refused already is only read to its end, and nobody waits for it.
        let stops = |message: &Message| {
            message.is_odd() || message.marks.stop(net.setup, message.stream).is_some()
        };
        if self.client.sending().is_none_or(stops) {
            return;
        }
        let elapsed = net.now.since(since).as_secs();
        let due = u32::try_from(elapsed / NOOP_EVERY.as_secs()).unwrap_or(4).min(4);
        assert_eq!(noops, due, "(7) NOOPs after {elapsed} s");
    }

    fn answer_group(&mut self, net: &mut Net, group: Group) {
        net.totals.together += u64::from(group.asked.len() > 1);
        net.totals.unanswered += u64::from(group.never);
        net.totals.too_late += u64::from(group.gone);
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
            if group.never && net.dice.permille(300) {
                answers.truncate(net.dice.below(answers.len() + 1));
            }
            self.relay.answer(net.now, Answer::LookedUp(id, asked, answers));
        }
    }

    /// A question about everybody who came up in this turn.
    fn ask(&mut self, net: &mut Net, asked: Vec<(QuestionId, Box<Asked>)>) {
        if asked.is_empty() {
            return;
        }
        for (_, one) in &asked {
            self.inquired.entry(one.written().to_owned()).or_default().asked += 1;
        }
        let never = net.setup.is_live() && net.dice.permille(50);
        let after = match never {
            true => LIVE_TIMEOUT,
            // At once, or only when nothing else can happen.
            false => Duration::from_millis(net.dice.below(3) as u64 * 20),
        };
        self.groups.push(Group { asked, from: net.now.plus(after), never, gone: false });
    }

    fn misfortune(&mut self, net: &mut Net) -> bool {
        if net.dice.below(1300) > 0 {
            return false;
        }
        match net.dice.below(3) {
            0 if !self.client_closed => {
                self.client_closed = true;
                self.to_relay.cut();
                self.to_client.cut();
                // A reset is known at once, whatever it waits for.
                if net.dice.permille(500) {
                    self.relay.handle_client_broken(net.now);
                    self.told_end = true;
                }
                true
            }
            1 if self.live.is_some() => {
                let wire = &mut net.wires[self.live.unwrap_or(0)];
                wire.from.cut();
                wire.to.cut();
                true
            }
            2 => {
                self.relay.drain(net.now);
                true
            }
            _ => false,
        }
    }

    /// When something is due that only time brings.
    pub(crate) fn due(&self) -> Option<Moment> {
        let role = self.dialing.as_ref().and_then(|dialing| dialing.role.poll_timeout());
        let due = Moment::earliest(self.relay.poll_timeout(), role);
        let due = Moment::earliest(due, self.desk.due());
        let answers = self.groups.iter().map(|group| group.from);
        answers.fold(due, |due, from| Moment::earliest(due, Some(from)))
    }

    pub(crate) fn time_passed(&mut self, net: &mut Net) {
        self.client.asleep = false;
        if let Some(dialing) = &mut self.dialing {
            dialing.role.handle_timeout(net.now);
        }
        self.relay.handle_timeout(net.now);
        self.turn_over(net);
        self.check_noops(net);
    }

    /// Everything the relay wants done.
    fn drain(&mut self, net: &mut Net) {
        let mut buffer = Vec::new();
        self.relay.poll_transmit(Side::Downstream, &mut buffer);
        let go_ahead =
            buffer.starts_with(b"354 ") || memchr::memmem::find(&buffer, b"\n354 ").is_some();
        self.to_client.send(&mut buffer);
        if go_ahead && self.holds_all() && self.live.is_some() {
            self.held_since = Some((net.now, 0));
        }
        self.transmit_upstream(net, &mut buffer);
        let mut asked = Vec::new();
        while let Some(event) = self.relay.poll_event() {
            if net.trace {
                println!("   {}: {event:?}", self.number);
            }
            match event {
                Event::OpenUpstream(wanted) => {
                    assert_eq!(self.live, None, "a second connection beside the first");
                    net.totals.stale += u64::from(wanted.fresh);
                    net.totals.failed_over += u64::from(!wanted.avoid.is_empty());
                    let rerouted =
                        matches!(self.client.sending(), Some(one) if one.dot_reply.is_none());
                    net.totals.rerouted += u64::from(rerouted && wanted.route == RouteId(1));
                    self.wanted = Some(wanted);
                }
                Event::ReleaseUpstream(upstream) => {
                    let at = self.live.take().expect("a connection to give back");
                    self.held_since = None;
                    // (4) nothing of one transaction is left for the next.
                    assert!(upstream.is_at_rest());
                    let wire = &mut net.wires[at];
                    // (6) whoever is logged in on it is nobody else.
                    assert!(wire.smarthost.login.is_none() || upstream.is_spent(), "(6) {at}");
                    if wire.bound || upstream.is_spent() {
                        wire.to.close();
                    } else {
                        net.pool.push((at, upstream));
                    }
                }
                Event::DropUpstream => {
                    let at = self.live.take().expect("a connection to drop");
                    self.held_since = None;
                    net.wires[at].to.close();
                    net.totals.lost_upstreams += 1;
                }
                Event::UpstreamLost(_) | Event::Greeted(_) => {}
                Event::StartTls => self.securing = true,
                Event::Authenticate(question) => {
                    assert!(self.question.replace(question).is_none(), "one at a time");
                }
                Event::LoginEnded { user: name, .. } => {
                    assert_eq!(name.as_deref(), Some(user(self.number).as_str()), "(6)");
                }
                Event::Denied(_) => assert!(self.needs_login, "everybody may relay"),
                Event::Ask(id, one) => asked.push((id, one)),
                Event::Filter(number, step) => {
                    let when = (net.now, &mut net.dice, &mut net.totals);
                    self.desk.see(number, step, when, self.client.sending());
                }
                Event::Decided(record) => {
                    assert_eq!(*record.session, format!("s{}", self.number), "(6)");
                    if record.verdict == Verdict::Drop && record.gate == "milter made-up" {
                        let path = record.recipient_plain.clone().expect("in plain");
                        self.dropped.push((record.transaction.to_string(), path));
                    }
                    match record.verdict {
                        Verdict::Refuse | Verdict::Drop => net.totals.refused += 1,
                        Verdict::Provisional => net.totals.provisional += 1,
                        _ => {}
                    }
                    // After the header: one stream is left, where there were two.
                    if net.setup.has_streams()
                        && record.stream.is_some()
                        && record.verdict != Verdict::Permit
                    {
                        net.totals.not_settled += 1;
                    }
                }
                Event::Found(record) => {
                    assert_eq!(*record.session, format!("s{}", self.number), "(6)");
                    let of_gates = self.client.sending_mut().is_some_and(|message| {
                        gates::note(net.setup, message, &record.gate, record.reply.is_some())
                    });
                    if of_gates {
                        continue;
                    }
                    if &*record.gate == "solicitation" {
                        net.totals.classes_refused += 1;
                    } else if record.reply.is_some() {
                        let desk = &mut self.desk;
                        let due = match desk.findings_due {
                            0 => &mut desk.findings_possible,
                            _ => &mut desk.findings_due,
                        };
                        assert!(*due > 0, "(8) a finding of nobody's");
                        *due -= 1;
                    }
                }
                Event::Intent(_) => self.intent = true,
                Event::Outcome(record) => {
                    let id = self.name_of(record.message_id.as_deref());
                    if let Some(id) = &id {
                        self.transactions.insert(id.clone(), record.transaction.to_string());
                    }
                    if self.desk.discards && record.ending == Ending::Dropped {
                        self.desk.discarded.extend(id.clone());
                    }
                    self.outcomes.push((id, record.ending));
                }
                Event::Close(_) => {
                    net.totals.injected += u64::from(self.client.injected);
                    self.ending = true;
                    self.to_client.close();
                }
            }
        }
        self.ask(net, asked);
    }

    fn transmit_upstream(&mut self, net: &mut Net, buffer: &mut Vec<u8>) {
        if self.relay.poll_transmit(Side::Upstream, buffer) {
            // (5) what waits for the smarthost is bounded.
            assert!(buffer.len() <= 160 * 1024, "{} octets for the smarthost", buffer.len());
            // What is for a connection that was dropped in the same turn is dropped as well.
            let at = self.live.expect("output for a connection that is there");
            self.check_commands(net, at, buffer);
            net.wires[at].to.send(buffer);
        }
    }

    /// (1) Should this be DATA: for whom, and is that right for this very message? No
    /// line of the clients' content looks like these commands.
    fn check_commands(&mut self, net: &mut Net, at: usize, commands: &[u8]) {
        assert_own(commands, self.number, "sent to the smarthost");
        let stream = self.client.sending().map_or(REST, |message| message.stream);
        let strays = net.is_out_of_step();
        self.check_dot(net.setup, &mut net.wires[at], commands);
        let wire = &mut net.wires[at];
        for line in String::from_utf8_lossy(commands).lines() {
            assert!(!line.contains("injected"), "{line} was taken for a command");
            if line == "RSET" {
                // DATA was refused, if it was said.
                wire.in_data = false;
            }
            if line == "NOOP" {
                assert!(!wire.in_data, "(7) NOOP once DATA was said");
                if let Some((_, noops)) = &mut self.held_since {
                    *noops += 1;
                    net.totals.on_time += 1;
                }
            }
            if !wire.in_data {
                self.desk.check_command(line);
            }
            if line.starts_with("MAIL FROM:") {
                let (_, solicit) = solicits::split(line);
                assert!(solicit.is_none() || wire.solicits, "(9) {line} was not offered");
                check_login(net.setup, wire, &self.client, self.needs_login);
                net.totals.bound += u64::from(wire.smarthost.login.is_some());
                wire.envelope.clear();
                // A second envelope shows everybody again.
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
                let told = wire.to.is_empty() && wire.from.is_empty();
                assert!(told || strays || !self.holds_all(), "(7) DATA behind a NOOP");
                self.held_since = None;
                wire.in_data = true;
                for path in &wire.envelope {
                    if !net.setup.has_streams() || fact(path, stream) == Fact::Permitted {
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
}

impl Session {
    /// The message that a record is about: it may have none of the name by which it is known here,
    /// or got one on its way.
    fn name_of(&self, message_id: Option<&str>) -> Option<String> {
        let id = message_id.map(str::to_owned);
        if self.client.messages.iter().any(|message| Some(&message.id) == id.as_ref()) {
            return id;
        }
        let sending = self.client.sending().filter(|message| message.marks.lacks_id);
        let known = |id: &String| self.outcomes.iter().any(|(of, _)| of.as_ref() == Some(id));
        sending.map(|message| message.id.clone()).filter(|id| !known(id)).or(id)
    }

    /// (8), (10), (11) Should this be the end of mail data: is it to be?
    fn check_dot(&self, setup: Setup, wire: &mut Wire, bytes: &[u8]) {
        let whole = [wire.tail.as_slice(), bytes].concat();
        let ends = memchr::memmem::find(&whole, b"\r\n.\r\n").is_some();
        wire.tail = whole[whole.len().saturating_sub(4)..].to_vec();
        if wire.in_data && ends {
            wire.in_data = false;
            wire.tail.clear();
            let message = self.client.sending().expect("a message of somebody's");
            assert!(!self.told_end, "(10) the client has gone, and here is the dot");
            assert!(!self.desk.discards, "(8) a recipient was discarded, and here is the dot");
            let stop = message.marks.stop(setup, message.stream);
            assert_eq!(stop, None, "(11) a gate stops it, and here is the dot");
            self.desk.check_dot(message);
        }
    }
}

/// Mail goes upstream under the login that the client has now, and under no other.
fn check_login(setup: Setup, wire: &Wire, client: &Client, needed: bool) {
    assert!(client.logged_in || !needed, "mail of nobody who may send it");
    let own = client.logged_in.then(|| token(wire.session, "right"));
    if setup == Setup::Passed {
        assert_eq!(wire.smarthost.login, own, "(6) the login of the connection");
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
