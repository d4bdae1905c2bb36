//! Opt-outs, so many at a time, to be found by person and by row: 44 bytes each.

use std::ops::{ControlFlow, Range};

use ledger::{FeedRow, Ledger};
use suppression::{Day, Kind, Origin, Subject, Timestamp};

use super::digest;
use super::span::TimeSpan;
use crate::error::AppError;

const MICROS: i64 = 1_000_000;

/// One opt-out. Times are in seconds since 1970: good until 2106.
#[derive(Clone, Copy, Debug)]
pub(super) struct Obligation {
    person: [u64; 2],
    asked: u32,
    recorded: u32,
    /// 0: never.
    refused: u32,
    pub(super) position: u32,
    origin: u16,
    stated: bool,
}

impl Obligation {
    pub(super) fn asked(&self) -> Timestamp {
        time(self.asked)
    }

    pub(super) fn recorded(&self) -> Timestamp {
        time(self.recorded)
    }

    pub(super) fn refused(&self) -> Option<Timestamp> {
        (self.refused > 0).then(|| time(self.refused))
    }

    /// Whether mail of this time was sent after the request. Of a request of which only the day
    /// is told, and that day, nobody can say, unless the gate knew of it by then.
    pub(super) fn precedes(&self, time: Timestamp) -> bool {
        let asked = self.asked();
        let whole_day = asked == asked.day().start();
        let same_day = whole_day && asked.day() == time.day();
        asked <= time && (!same_day || self.recorded() <= time)
    }

    pub(super) fn is_stated(&self) -> bool {
        self.stated
    }

    pub(super) fn refuse(&mut self, at: Timestamp) {
        let at = seconds(at);
        if at >= self.recorded && (self.refused == 0 || at < self.refused) {
            self.refused = at;
        }
    }
}

/// Some of them.
#[derive(Debug, Default)]
pub(super) struct Obligations {
    /// By person.
    rows: Vec<Obligation>,
    /// Places in `rows`, by row of the ledger.
    by_position: Vec<u32>,
    origins: Vec<Origin>,
}

impl Obligations {
    /// Reads the opt-outs behind a row of the ledger, `max` at most. Returns the last row
    /// that was looked at, or none at the end.
    pub(super) fn read(
        &mut self,
        ledger: &Ledger,
        after: u64,
        max: usize,
        span: TimeSpan,
    ) -> Result<Option<u64>, AppError> {
        self.rows.clear();
        // At once: a vector that grows by doubling would hold three times as much.
        let left = ledger.head()?.position.saturating_sub(after);
        let room = usize::try_from(left).unwrap_or(max).min(max);
        self.rows.reserve_exact(room);
        self.by_position.clear();
        self.by_position.reserve_exact(room);
        let mut full = false;
        let last = ledger.for_each_since(after, |row| {
            if row.kind == Kind::OptOut && span.holds(row.effective()) {
                self.push(row);
            }
            full = self.rows.len() >= max;
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        self.rows.sort_unstable_by_key(|row| (row.person, row.position));
        self.by_position.extend(0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        let rows = &self.rows;
        let position = |at: &u32| rows.get(*at as usize).map_or(0, |row| row.position);
        self.by_position.sort_unstable_by_key(position);
        Ok(full.then_some(last))
    }

    fn push(&mut self, row: &FeedRow<'_>) {
        let origin = row.index_origin();
        let known = match self.rows.last().and_then(|last| self.origins.get(last.origin as usize)) {
            Some(same) if *same == *origin => self.rows.last().map(|last| usize::from(last.origin)),
            _ => self.origins.iter().position(|other| *other == *origin),
        };
        let number = known.unwrap_or_else(|| {
            self.origins.push(origin.into_owned());
            self.origins.len() - 1
        });
        let person = digest::short(&row.keys.person);
        self.rows.push(Obligation {
            person: split(person),
            asked: seconds(row.effective()),
            recorded: seconds(row.recorded),
            refused: 0,
            position: u32::try_from(row.position).unwrap_or(u32::MAX),
            // More origins than an index has numbers for cannot be in use.
            origin: u16::try_from(number).unwrap_or(u16::MAX),
            stated: row.stated.is_some(),
        });
    }

    /// The places of those that a record speaks of: by its person, and by its entry, which a
    /// record of before a rekey, or about a whole domain, is known by.
    pub(super) fn touched(&self, person: Option<u128>, entry: Option<u64>) -> Touched {
        let range = person.map_or(0..0, |person| {
            let person = split(person);
            let start = self.rows.partition_point(|row| row.person < person);
            let rest = self.rows.get(start..).unwrap_or_default();
            start..start + rest.partition_point(|row| row.person == person)
        });
        let named = entry.and_then(|entry| self.at(entry)).filter(|at| !range.contains(at));
        Touched { range, named }
    }

    fn at(&self, entry: u64) -> Option<usize> {
        let position =
            |at: &u32| self.rows.get(*at as usize).map_or(u64::MAX, |row| u64::from(row.position));
        let found = self.by_position.binary_search_by_key(&entry, position).ok()?;
        self.by_position.get(found).map(|at| *at as usize)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Obligation> {
        self.rows.get(at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Obligation> {
        self.rows.get_mut(at)
    }

    pub(super) fn origin(&self, of: &Obligation) -> Option<&Origin> {
        self.origins.get(usize::from(of.origin))
    }

    pub(super) fn is_domain(&self, of: &Obligation) -> bool {
        self.origin(of).is_some_and(|origin| origin.subject == Subject::Domain)
    }

    /// All of them with their places, by row of the ledger.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Obligation)> {
        let at = self.by_position.iter().map(|at| *at as usize);
        at.filter_map(|at| Some((at, self.rows.get(at)?)))
    }
}

/// Places among [`Obligations`].
#[derive(Clone, Debug)]
pub(super) struct Touched {
    range: Range<usize>,
    named: Option<usize>,
}

impl Touched {
    pub(super) fn is_none(&self) -> bool {
        self.range.is_empty() && self.named.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        self.range.clone().chain(self.named)
    }
}

/// The last day on which mail may be sent after a request, counted once for each day.
#[derive(Debug)]
pub(super) struct Deadlines {
    grace: suppression::Grace,
    known: Vec<Option<Day>>,
}

impl Deadlines {
    pub(super) fn new(calendar: suppression::Calendar) -> Self {
        let grace = suppression::Grace { calendar, ..suppression::Grace::CAN_SPAM };
        Self { grace, known: vec![None; usize::from(u16::MAX) + 1] }
    }

    pub(super) fn grace(&self) -> suppression::Grace {
        self.grace
    }

    pub(super) fn of(&mut self, asked: Day) -> Day {
        let grace = self.grace;
        match self.known.get_mut(usize::from(asked.number())) {
            Some(known) => *known.get_or_insert_with(|| grace.deadline(asked)),
            None => grace.deadline(asked),
        }
    }
}

fn split(person: u128) -> [u64; 2] {
    [u64::try_from(person >> 64).unwrap_or(0), person as u64]
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.micros().div_euclid(MICROS).max(0)).unwrap_or(u32::MAX)
}

fn time(seconds: u32) -> Timestamp {
    Timestamp::from_micros(i64::from(seconds) * MICROS).unwrap_or(Timestamp::EPOCH)
}
