//! What kinds of worlds there are, and what was seen in them.

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
    /// The header decides which smarthosts a message may go to.
    Routes,
    /// Clients ask for TLS and log in as users of ours.
    Logins,
    /// They log in at a smarthost.
    Passed,
    /// Content is judged by a copy.
    Judged,
    /// Likewise of one stream's messages, or held and changed.
    JudgedStreams,
    /// Filters are shown the envelope as well, and hold or judge the content.
    Milters,
    MiltersDrop,
    MiltersAtMail,
    /// Messages say of which classes they are, and everybody refuses some (RFC 3865).
    Solicit,
    /// Headers are judged, and what they lack is added.
    Gates,
    /// Likewise, and they decide the stream.
    GatesStreams,
    /// Streams, lists that are asked, filters, gates, completion and classes together.
    Everything,
}

impl Setup {
    pub(crate) const ALL: [Self; 21] = [
        Self::Through,
        Self::Held,
        Self::Drop,
        Self::ContactAtMail,
        Self::Streams,
        Self::StreamsWhole,
        Self::StreamsDrop,
        Self::Live,
        Self::LiveStreams,
        Self::Routes,
        Self::Logins,
        Self::Passed,
        Self::Judged,
        Self::JudgedStreams,
        Self::Milters,
        Self::MiltersDrop,
        Self::MiltersAtMail,
        Self::Solicit,
        Self::Gates,
        Self::GatesStreams,
        Self::Everything,
    ];

    /// Headers decide what a message is.
    pub(crate) fn has_streams(self) -> bool {
        matches!(
            self,
            Self::Streams
                | Self::StreamsWhole
                | Self::StreamsDrop
                | Self::LiveStreams
                | Self::Routes
                | Self::JudgedStreams
                | Self::GatesStreams
                | Self::Everything
        )
    }

    /// Messages, or more, are shown to filters.
    pub(crate) fn has_filters(self) -> bool {
        matches!(
            self,
            Self::Judged
                | Self::JudgedStreams
                | Self::Milters
                | Self::MiltersDrop
                | Self::MiltersAtMail
                | Self::Everything
        )
    }

    /// Headers are judged, and completed by some.
    pub(crate) fn has_gates(self) -> bool {
        matches!(self, Self::Gates | Self::GatesStreams | Self::Everything)
    }

    /// Messages are of classes.
    pub(crate) fn has_classes(self) -> bool {
        matches!(self, Self::Solicit | Self::Everything)
    }

    /// Messages are held somewhere in it.
    pub(crate) fn holds(self) -> bool {
        let some = matches!(self, Self::Held | Self::Solicit | Self::Gates);
        some || self.has_streams() || (self.has_filters() && self != Self::Judged)
    }

    /// Clients log in.
    pub(crate) fn has_logins(self) -> bool {
        matches!(self, Self::Logins | Self::Passed)
    }

    /// Nearly everybody has to be asked about over a network.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::LiveStreams | Self::Everything)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sessions: u64,
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
    /// Connections that another session had used before.
    pub(crate) shared: u64,
    /// New ones in the place of stale ones.
    pub(crate) stale: u64,
    /// Envelopes that went to another smarthost.
    pub(crate) failed_over: u64,
    /// Envelopes that went to the route that the header decided for.
    pub(crate) rerouted: u64,
    /// Handshakes.
    pub(crate) secured: u64,
    /// Sessions that ended because of something in the clear behind STARTTLS.
    pub(crate) injected: u64,
    pub(crate) logins: u64,
    pub(crate) logins_refused: u64,
    pub(crate) logins_cancelled: u64,
    /// Messages under a login that was passed through.
    pub(crate) bound: u64,
    /// Messages on which filters had a word that counted.
    pub(crate) judged: u64,
    /// Messages that were shown to filters in pieces.
    pub(crate) pieced: u64,
    /// Of those that were judged, with other content than they came with.
    pub(crate) changed: u64,
    pub(crate) filters_refused: u64,
    /// Answers of filters for transactions that were gone.
    pub(crate) too_late_filtered: u64,
    /// Steps that no filter ever answered.
    pub(crate) never_filtered: u64,
    /// NOOPs at the interval, to a smarthost that waits for a held message.
    pub(crate) on_time: u64,
    /// Messages that were upstream under `SOLICIT=` of the client, or of the header.
    pub(crate) solicited: u64,
    pub(crate) from_header: u64,
    /// Deliveries to somebody who refuses another class.
    pub(crate) spared: u64,
    /// Messages that were refused, or had to wait, for their classes.
    pub(crate) classes_refused: u64,
    /// Messages that a gate over headers stopped, and that one let pass another.
    pub(crate) gates_stopped: u64,
    pub(crate) gates_trusted: u64,
    /// Delivered with fields that were missing.
    pub(crate) completed: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
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
        self.shared += other.shared;
        self.stale += other.stale;
        self.failed_over += other.failed_over;
        self.rerouted += other.rerouted;
        self.secured += other.secured;
        self.injected += other.injected;
        self.logins += other.logins;
        self.logins_refused += other.logins_refused;
        self.logins_cancelled += other.logins_cancelled;
        self.bound += other.bound;
        self.judged += other.judged;
        self.pieced += other.pieced;
        self.changed += other.changed;
        self.filters_refused += other.filters_refused;
        self.too_late_filtered += other.too_late_filtered;
        self.never_filtered += other.never_filtered;
        self.on_time += other.on_time;
        self.solicited += other.solicited;
        self.from_header += other.from_header;
        self.spared += other.spared;
        self.classes_refused += other.classes_refused;
        self.gates_stopped += other.gates_stopped;
        self.gates_trusted += other.gates_trusted;
        self.completed += other.completed;
    }
}
