//! Which stream a message is on: rules of the configuration, the first that fits wins.
//!
//! A rule has conditions, all of which must hold; each is a list of which any may fit.
//! All but those about header fields can be held against the envelope, so at MAIL the
//! streams still *possible* are known: every rule whose other conditions fit, up to and
//! with the first that asks for no header. Nearly always that is one, and then nothing
//! of a message is ever looked at. Behind the rules stands the default stream, which
//! fits everything, so there is always at least one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use address::ReversePath;
use ipnet::IpNet;
use smallvec::SmallVec;
use suppression::{Permission, Stream};

use crate::pattern::{FieldName, Pattern, SenderPattern};

/// One rule; an empty list is no condition.
#[derive(Debug, Clone, Default)]
pub struct StreamRule {
    /// The stream it assigns.
    pub stream: Stream,
    /// Listeners, by the address in their configuration.
    pub listener: Vec<SocketAddr>,
    /// Users.
    pub login: Vec<Pattern>,
    /// Networks of the client.
    pub client: Vec<IpNet>,
    /// Reverse-paths.
    pub sender: Vec<SenderPattern>,
    /// Classes in `SOLICIT=` of MAIL (RFC 3865); each class is held against each pattern.
    pub solicit: Vec<Pattern>,
    /// Header fields: every one named here must be there with a value that fits. See
    /// [`Streams::resolve`] for those that are there several times.
    pub header: Vec<(FieldName, Vec<Pattern>)>,
}

/// What is known of a message when its MAIL is.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The listener, by the address in its configuration.
    pub listener: SocketAddr,
    /// The user, if one is logged in.
    pub login: Option<&'a str>,
    /// The client's address.
    pub client: IpAddr,
    /// The reverse-path.
    pub sender: &'a ReversePath,
    /// The value of `SOLICIT=`.
    pub solicit: Option<&'a str>,
}

/// Names a stream of one set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    fn new(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Its place among the streams, in the order of [`Streams::iter`].
    pub fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Streams, few of them.
pub type StreamIds = SmallVec<[StreamId; 4]>;

/// The streams a message may be on, in the order of the rules; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible(StreamIds);

impl Possible {
    /// The only one, if there is only one.
    pub fn only(&self) -> Option<StreamId> {
        match self.0.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = StreamId> {
        self.0.iter().copied()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Values of the header fields that rules ask for, unfolded, without the white space
/// around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderFields {
    values: Vec<(usize, String)>,
}

impl HeaderFields {
    /// Adds the value of a field, by its place in [`Streams::wanted_fields`].
    pub fn add(&mut self, wanted: usize, value: String) {
        self.values.push((wanted, value));
    }

    fn of(&self, wanted: usize) -> impl Iterator<Item = &str> {
        let named = self.values.iter().filter(move |(field, _)| *field == wanted);
        named.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct Rule {
    stream: Arc<Stream>,
    on: StreamRule,
    /// As `on.header`, by place in the wanted fields.
    header: Vec<(usize, Vec<Pattern>)>,
}

/// The rules, and the default stream behind them.
#[derive(Debug)]
pub struct Streams {
    rules: Vec<Rule>,
    fallback: Arc<Stream>,
    wanted: Arc<[FieldName]>,
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Streams {
    /// The rules in their order.
    pub fn new(rules: Vec<StreamRule>) -> Self {
        let mut wanted: Vec<FieldName> = Vec::new();
        let mut place = |name: FieldName| {
            wanted.iter().position(|other| *other == name).unwrap_or_else(|| {
                wanted.push(name);
                wanted.len() - 1
            })
        };
        let rules = rules
            .into_iter()
            .map(|mut on| {
                let header = std::mem::take(&mut on.header);
                let header = header.into_iter().map(|(name, any)| (place(name), any)).collect();
                Rule { stream: Arc::new(on.stream.clone()), on, header }
            })
            .collect();
        Self { rules, fallback: Arc::default(), wanted: wanted.into() }
    }

    /// The streams a message may be on, with all that its envelope tells.
    pub fn possible(&self, of: &Circumstances<'_>) -> Possible {
        let mut ids = StreamIds::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.on.fits(of) {
                ids.push(StreamId::new(at));
                if rule.header.is_empty() {
                    return Possible(ids);
                }
            }
        }
        ids.push(self.default_id());
        Possible(ids)
    }

    /// The stream, now that the header is known: the first of those possible whose
    /// conditions on the header hold.
    ///
    /// A field that is there several times must fit each time: nobody can tell which of
    /// them counts, and a stream may be laxer than the default one. For a stream that
    /// needs consent, which is stricter, one that fits is enough.
    pub fn resolve(&self, possible: &Possible, header: &HeaderFields) -> StreamId {
        let fits = |id: &StreamId| match self.rules.get(id.place()) {
            Some(rule) => rule.header.iter().all(|(field, any)| {
                let fits = |value: &str| any.iter().any(|one| one.matches(value));
                match rule.stream.permission {
                    Permission::OptIn => header.of(*field).any(fits),
                    Permission::OptOut => {
                        header.of(*field).next().is_some() && header.of(*field).all(fits)
                    }
                }
            }),
            None => true,
        };
        // The last of them asks for no header, so one is always found.
        possible.iter().find(fits).unwrap_or_else(|| self.default_id())
    }

    /// The header fields that rules ask for; none if no rule does.
    pub fn wanted_fields(&self) -> &Arc<[FieldName]> {
        &self.wanted
    }

    /// Whether a rule looks at `SOLICIT=`, so that it has to be offered.
    pub fn ask_for_solicit(&self) -> bool {
        self.rules.iter().any(|rule| !rule.on.solicit.is_empty())
    }

    /// The stream of that id.
    pub fn get(&self, id: StreamId) -> &Arc<Stream> {
        self.rules.get(id.place()).map_or(&self.fallback, |rule| &rule.stream)
    }

    /// Every stream, in the order of the rules; the default last.
    pub fn iter(&self) -> impl Iterator<Item = (StreamId, &Arc<Stream>)> {
        let rules =
            self.rules.iter().enumerate().map(|(at, rule)| (StreamId::new(at), &rule.stream));
        rules.chain(std::iter::once((self.default_id(), &self.fallback)))
    }

    /// Exactly the stream of that name: what a person asks about.
    pub fn named(&self, name: &str) -> Option<Possible> {
        let found = self.iter().find(|(_, stream)| *stream.name == *name);
        found.map(|(id, _)| Possible(StreamIds::from_slice(&[id])))
    }

    /// Exactly the default stream.
    pub fn fallback(&self) -> Possible {
        Possible(StreamIds::from_slice(&[self.default_id()]))
    }

    /// Exactly this stream.
    pub fn only(&self, id: StreamId) -> Possible {
        Possible(StreamIds::from_slice(&[id]))
    }

    fn default_id(&self) -> StreamId {
        StreamId::new(self.rules.len())
    }
}

impl StreamRule {
    /// Whether every condition holds that does not need the header.
    fn fits(&self, of: &Circumstances<'_>) -> bool {
        let client = of.client.to_canonical();
        let named = |patterns: &[Pattern], word: &str| patterns.iter().any(|one| one.matches(word));
        (self.listener.is_empty() || self.listener.contains(&of.listener))
            && (self.client.is_empty() || self.client.iter().any(|net| net.contains(&client)))
            && (self.login.is_empty() || of.login.is_some_and(|login| named(&self.login, login)))
            && (self.sender.is_empty() || self.sender.iter().any(|one| one.matches(of.sender)))
            && (self.solicit.is_empty()
                || of.solicit.is_some_and(|classes| {
                    classes.split(',').any(|class| named(&self.solicit, class))
                }))
    }
}
