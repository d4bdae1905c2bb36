//! The filters of one session: slow, silent, late, of every opinion, and what was promised to
//! them: each step in its order, an end of each transaction, and that their word counts.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use policy::{Finding, GateVerdict, StreamId};
use relay::{
    FilterAnswer, FilterContent, FilterPiece, FilterStep, FilterVerdict, Filtered, Filters,
    JudgedStreams, Readers,
};
use smtp_session::Moment;
use smtp_wire::Reply;
use testkit::Dice;

use crate::client::Message;
use crate::gates;
use crate::lists::RECEIPTS;
use crate::setup::{Setup, Totals};

/// The interval of NOOPs where filters are slow.
pub(crate) const NOOP_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum Waiting {
    Mail,
    Recipient(u32, String),
    Piece(FilterPiece),
    Content(Box<FilterContent>),
}

/// A step that was not answered yet, perhaps of a transaction that is gone.
#[derive(Debug)]
struct Pending {
    number: u64,
    waiting: Waiting,
    /// `None`: it never will be.
    from: Option<Moment>,
}

impl Pending {
    /// Of content.
    fn octets(&self) -> usize {
        match &self.waiting {
            Waiting::Content(content) => {
                let rest = content.rest.as_ref().map_or(0, |rest| rest.octets.len());
                content.content.len() + rest
            }
            Waiting::Piece(piece) => piece.octets.len(),
            Waiting::Mail | Waiting::Recipient(..) => 0,
        }
    }
}

/// What was said of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Permitted,
    /// It goes upstream like this.
    Changed(Vec<u8>),
    /// Nobody may get it.
    Stopped,
    /// Likewise, and the client may be told 250.
    Discarded,
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) wishes: Filters,
    /// What messages lack is added before they are shown.
    pub(crate) completes: bool,
    pending: VecDeque<Pending>,
    /// The transaction they were shown and that has not ended for them.
    open: Option<u64>,
    last: u64,
    mail_permitted: bool,
    /// What was shown of the content that goes by.
    shown: Vec<u8>,
    /// Times each path was permitted in this transaction, and shown to this smarthost.
    paths: HashMap<String, (u32, u32)>,
    /// By Message-ID.
    pub(crate) said: HashMap<String, Said>,
    /// A recipient of this transaction was discarded: nobody may get the message.
    pub(crate) discards: bool,
    /// Messages that were dropped for that.
    pub(crate) discarded: HashSet<String>,
    /// Findings with a reply that must be written down.
    pub(crate) findings_due: u64,
    /// Likewise, if a smarthost has taken somebody and the client says DATA.
    pub(crate) findings_possible: u64,
}

impl Desk {
    pub(crate) fn new(setup: Setup, dice: &mut Dice, receipts: Option<StreamId>) -> Self {
        let wishes = match (setup, receipts) {
            (Setup::Judged, _) => Filters { judged: JudgedStreams::All, ..Filters::default() },
            (Setup::JudgedStreams, Some(receipts)) => Filters {
                envelope: dice.permille(200),
                judged: JudgedStreams::These(vec![receipts]),
                change: dice.permille(300),
                ..Filters::default()
            },
            (Setup::Everything, Some(receipts)) => Filters {
                envelope: dice.permille(500),
                judged: match dice.permille(500) {
                    true => JudgedStreams::These(vec![receipts]),
                    false => JudgedStreams::None,
                },
                change: dice.permille(300),
                ..Filters::default()
            },
            (Setup::Milters, _) => {
                Filters { envelope: true, change: dice.permille(700), ..Filters::default() }
            }
            (Setup::MiltersDrop | Setup::MiltersAtMail, _) => {
                Filters { envelope: true, change: dice.permille(400), ..Filters::default() }
            }
            _ => Filters::default(),
        };
        if !wishes.envelope {
            return Self { wishes, ..Self::default() };
        }
        let piece = [100, 700][dice.below(2)];
        let readers = [Readers::None, Readers::Some, Readers::All][dice.below(3)];
        Self { wishes: Filters { piece, readers, ..wishes }, ..Self::default() }
    }

    /// Whether a message needs their word.
    pub(crate) fn judges(&self, message: &Message) -> bool {
        self.wishes.envelope || self.wishes.change || self.judged(message)
    }

    fn reads(&self) -> bool {
        self.wishes.envelope && self.wishes.readers != Readers::None
    }

    /// Whether somebody judges all of it at once.
    fn judged(&self, message: &Message) -> bool {
        match &self.wishes.judged {
            JudgedStreams::None => false,
            JudgedStreams::All => true,
            JudgedStreams::These(_) => message.stream == RECEIPTS,
        }
    }

    pub(crate) fn see(
        &mut self,
        number: u64,
        step: FilterStep,
        (now, dice, totals): (Moment, &mut Dice, &mut Totals),
        sending: Option<&Message>,
    ) {
        if matches!(step, FilterStep::Abort) {
            assert_eq!(self.open.take(), Some(number), "(8) the end of what was not begun");
            // Some hear of it; others answer all the same.
            if dice.permille(500) {
                self.pending.retain(|one| one.number != number);
            }
            return;
        }
        if self.last != number {
            assert!(number > self.last, "(8) numbers go up");
            assert_eq!(self.open, None, "(8) a transaction ended unheard");
            (self.last, self.mail_permitted, self.discards) = (number, false, false);
            self.findings_possible = 0;
            self.paths.clear();
            self.shown.clear();
        }
        self.open = Some(number);
        let waiting = match step {
            FilterStep::Mail(mail) => {
                assert!(self.wishes.envelope && mail.client_name == "client.example");
                Waiting::Mail
            }
            FilterStep::Recipient { tag, path, .. } => {
                assert!(self.mail_permitted, "(8) a recipient before the word on MAIL");
                Waiting::Recipient(tag, path.to_string())
            }
            FilterStep::Content(content) => {
                let sending = sending.expect("content of somebody's");
                assert!(content.may_change || !self.wishes.change);
                if let Some(rest) = &content.rest {
                    assert!(self.reads() && !content.may_change);
                    self.shown.extend_from_slice(&rest.octets);
                    let shown = gates::sent(sending, self.completes, &self.shown);
                    assert_eq!(shown, sending.content, "(8) shown as it came, in pieces");
                    totals.pieced += u64::from(self.shown.len() > rest.octets.len());
                } else {
                    assert!(self.shown.is_empty(), "(8) shown in part, and again");
                }
                let copied = self.judged(sending) || self.wishes.readers != Readers::All;
                let whole = content.rest.is_none() || copied;
                let copy = whole || !content.content.is_empty();
                if copy {
                    let shown = gates::sent(sending, self.completes, &content.content);
                    assert_eq!(shown, sending.content, "(8) shown as it came");
                }
                Waiting::Content(content)
            }
            FilterStep::Piece(piece) => {
                assert!(self.reads() && !self.wishes.change && !piece.octets.is_empty());
                let untaken = self.pending.iter().filter(|one| one.number == number);
                let untaken: usize = untaken.map(Pending::octets).sum();
                assert!(untaken <= 4 * self.wishes.piece, "(8) {untaken} octets, and one more");
                self.shown.extend_from_slice(&piece.octets);
                let sending = sending.expect("content of somebody's");
                let shown = gates::sent(sending, self.completes, &self.shown);
                let fits = sending.flawed || sending.content.starts_with(shown);
                assert!(fits, "(8) shown as it comes");
                Waiting::Piece(piece)
            }
            FilterStep::Abort => return,
        };
        let after = match dice.below(20) {
            0 => None,
            1..=3 => Some(Duration::from_secs(dice.below(130) as u64)),
            4..=8 => Some(Duration::from_millis(20)),
            _ => Some(Duration::ZERO),
        };
        let from = after.map(|after| now.plus(after));
        self.pending.push_back(Pending { number, waiting, from });
    }

    pub(crate) fn due(&self) -> Option<Moment> {
        self.pending.front()?.from
    }

    /// The oldest answer, if it is ready.
    pub(crate) fn answer(
        &mut self,
        now: Moment,
        dice: &mut Dice,
        totals: &mut Totals,
        sending: Option<&Message>,
    ) -> Option<(u64, FilterAnswer)> {
        let front = self.pending.front()?;
        // Whoever never answers keeps the answers behind waiting, unless a new one is begun.
        let gone = self.open != Some(front.number);
        if front.from.is_none() && gone {
            self.pending.pop_front();
            totals.never_filtered += 1;
            return None;
        }
        front.from.filter(|from| now.reached(*from))?;
        let Pending { number, waiting, .. } = self.pending.pop_front()?;
        totals.too_late_filtered += u64::from(gone);
        let about = match &waiting {
            Waiting::Recipient(_, path) => format!("{path} "),
            Waiting::Mail => "MAIL ".to_owned(),
            Waiting::Content(_) => String::new(),
            // What is said of it comes with the content.
            Waiting::Piece(piece) => {
                return Some((number, FilterAnswer::Taken(piece.octets.len())));
            }
        };
        let (verdict, passes) = verdict(dice, &about);
        let discards = matches!(verdict, FilterVerdict::Discard { .. });
        let answer = match waiting {
            Waiting::Mail => {
                if !gone {
                    self.mail_permitted = passes;
                    self.findings_due += u64::from(!passes);
                }
                FilterAnswer::Mail(verdict)
            }
            Waiting::Recipient(tag, path) => {
                if !gone && passes {
                    self.paths.entry(path).or_default().0 += 1;
                }
                if !gone && discards {
                    self.findings_possible += u64::from(!self.discards);
                    self.discards = true;
                }
                FilterAnswer::Recipient(tag, verdict)
            }
            Waiting::Piece(piece) => FilterAnswer::Taken(piece.octets.len()),
            Waiting::Content(shown) => {
                let mut said = match (passes, discards) {
                    (true, _) => Said::Permitted,
                    (false, true) => Said::Discarded,
                    (false, false) => Said::Stopped,
                };
                let (content, changed) = match shown.may_change {
                    true if passes && dice.permille(600) => change(dice, &shown.content),
                    true => (shown.content.clone(), false),
                    false => (Vec::new(), false),
                };
                if passes && shown.may_change && content != shown.content {
                    let fit = changed && is_fit(&content);
                    said = if fit { Said::Changed(content.clone()) } else { Said::Stopped };
                }
                if !gone {
                    self.open = None;
                    self.findings_due += u64::from(!passes);
                    totals.judged += 1;
                    totals.changed += u64::from(matches!(said, Said::Changed(_)));
                    let id = sending.expect("a message that is judged").id.clone();
                    assert_eq!(self.said.insert(id, said), None, "(8) judged twice");
                }
                let findings =
                    if dice.permille(200) { vec![finding("shadow")] } else { Vec::new() };
                FilterAnswer::Content(Box::new(Filtered { verdict, findings, content, changed }))
            }
        };
        totals.filters_refused += u64::from(!passes);
        Some((number, answer))
    }

    /// Octets of content that they have, also of transactions that are gone.
    pub(crate) fn octets(&self) -> usize {
        self.pending.iter().map(Pending::octets).sum()
    }

    /// Their process is gone, and all that they had.
    pub(crate) fn end(&mut self) {
        self.pending.clear();
    }

    /// (8) What is said to a smarthost, line by line.
    pub(crate) fn check_command(&mut self, line: &str) {
        if !self.wishes.envelope {
            return;
        }
        if line.starts_with("MAIL FROM:") {
            assert!(self.mail_permitted, "(8) MAIL before the filters' word");
            // A second envelope shows everybody again.
            self.paths.values_mut().for_each(|(_, shown)| *shown = 0);
        } else if let Some(path) = line.strip_prefix("RCPT TO:") {
            let path = path.split(' ').next().unwrap_or_default();
            let (permitted, shown) = self.paths.entry(path.to_owned()).or_default();
            *shown += 1;
            assert!(shown <= permitted, "(8) {path} is shown, and no filter permitted it");
        }
    }

    /// (8) Our dot: their word was there before.
    pub(crate) fn check_dot(&self, message: &Message) {
        if self.judges(message) {
            let said = self.said.get(&message.id);
            let passed = matches!(said, Some(Said::Permitted | Said::Changed(_)));
            assert!(passed, "(8) a dot, and the filters said {said:?} of {}", message.id);
        }
    }

    pub(crate) fn check_at_end(&self) {
        assert_eq!(self.open, None, "(8) the last transaction ended unheard");
        assert_eq!(self.findings_due, 0, "(8) findings that were not written down");
    }
}

/// A verdict, and whether it lets pass.
fn verdict(dice: &mut Dice, about: &str) -> (FilterVerdict, bool) {
    let by = || "milter made-up".into();
    let refuse = |code, text| FilterVerdict::Refuse {
        by: by(),
        reply: Reply::plain(code, format!("{about}{text}")),
    };
    match dice.below(40) {
        0 => (refuse(550, "a filter refuses"), false),
        1 => (refuse(451, "a filter defers"), false),
        2 => (refuse([421, 250, 354, 200][dice.below(4)], "odd"), false),
        3 => (FilterVerdict::Discard { by: by() }, false),
        4 => (FilterVerdict::Found(Box::new(finding("refuse"))), false),
        5 => (FilterVerdict::Found(Box::new(finding("defer"))), false),
        6 => (FilterVerdict::Found(Box::new(finding("shadow"))), true),
        7 => (FilterVerdict::Found(Box::new(finding("permit"))), true),
        _ => (FilterVerdict::Permit, true),
    }
}

fn finding(verdict: &str) -> Finding {
    let verdict = match verdict {
        "refuse" => GateVerdict::Refuse,
        "defer" => GateVerdict::Defer,
        "permit" => GateVerdict::Permit,
        _ => GateVerdict::Shadow,
    };
    Finding { gate: "made-up".into(), verdict, found: "something".to_owned(), text: None }
}

/// Other content, and whether that is said.
fn change(dice: &mut Dice, content: &[u8]) -> (Vec<u8>, bool) {
    let with = |end: &[u8]| [content, end].concat();
    match dice.below(12) {
        0 => (with(b"a lone line feed\n"), true),
        1 => (with(b"a NUL\0\r\n"), true),
        2 => (with(b"cut\r"), true),
        3 => (with(&[b'x'; 26_000]), true),
        4 => (with(b"more than it says\r\n"), false),
        5 => (Vec::new(), dice.permille(500)),
        6 => (with(b"\xc3\xbc\r\n"), true),
        7 => (with(b".\r\n..\r\nQUIT\r\n"), true),
        8 => (content.iter().copied().filter(u8::is_ascii).collect(), true),
        _ => ([b"X-Filter: seen\r\n", content].concat(), true),
    }
}

/// As far as content alone tells.
fn is_fit(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content).replace("\r\n", "");
    !content.is_empty() && content.len() <= 25_000 && !text.contains(['\r', '\n', '\0'])
}
