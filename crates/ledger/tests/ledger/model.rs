//! Two connections append, withdraw, undo and settle in any order; what stands is held against
//! the simplest model of it.

use std::collections::BTreeSet;

use ledger::{Ledger, LedgerError};
use proptest::prelude::*;
use suppression::{Kind, NewEntry};

use crate::support::{Fixture, at, entry, hashed};

#[derive(Debug, Clone)]
enum Step {
    /// These people, of one of three imports or by hand.
    Append(usize, Vec<u8>),
    Withdraw(prop::sample::Index),
    Undo(usize),
    Settle,
    Reopen,
}

const IMPORTS: [Option<&str>; 4] = [Some("one"), Some("two"), Some("three"), None];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_usize, prop::collection::vec(0..12_u8, 1..8))
            .prop_map(|(import, people)| Step::Append(import, people)),
        2 => any::<prop::sample::Index>().prop_map(Step::Withdraw),
        1 => (0..3_usize).prop_map(Step::Undo),
        1 => Just(Step::Settle),
        1 => Just(Step::Reopen),
    ]
}

/// Some of the people stand on the list by a digest.
fn about(person: u8) -> NewEntry {
    let name = person.to_string();
    match person % 4 {
        2 => hashed("md5 lower", &name),
        3 => hashed("sha256 as-is before=61", &name),
        _ => entry(&name),
    }
}

/// A row of the model.
struct Row {
    person: Option<u8>,
    import: usize,
    withdrawn_by: Option<u64>,
}

#[derive(Default)]
struct Model(Vec<Row>);

impl Model {
    fn stands(&self, person: u8) -> bool {
        self.0.iter().any(|row| row.person == Some(person) && row.withdrawn_by.is_none())
    }

    fn append(&mut self, import: usize, people: &[u8]) -> usize {
        let before = self.0.len();
        for person in people {
            if !self.stands(*person) {
                self.0.push(Row { person: Some(*person), import, withdrawn_by: None });
            }
        }
        self.0.len() - before
    }

    /// A row that takes others back; how many it took.
    fn take(&mut self, of: impl Fn(usize, &Row) -> bool) -> u64 {
        let by = self.0.len() as u64 + 1;
        let mut taken = 0;
        for (at, row) in self.0.iter_mut().enumerate() {
            if row.person.is_some() && row.withdrawn_by.is_none() && of(at, row) {
                (row.withdrawn_by, taken) = (Some(by), taken + 1);
            }
        }
        if taken > 0 {
            self.0.push(Row { person: None, import: 3, withdrawn_by: None });
        }
        taken
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_stands_is_what_the_model_says(
        steps in prop::collection::vec((step(), any::<bool>()), 1..24),
    ) {
        let mut f = Fixture::new();
        let mut other = Ledger::open(&f.path(), &f.key).unwrap();
        let mut model = Model::default();
        for (now, (step, which)) in steps.into_iter().enumerate() {
            let now = at(now as i64);
            let ledger = if which { &mut f.ledger } else { &mut other };
            match step {
                Step::Append(import, people) => {
                    let entries: Vec<_> =
                        people.iter().map(|person| about(*person)).collect();
                    let done = ledger.append(now, IMPORTS[import], &entries).unwrap();
                    prop_assert_eq!(done.added.len(), model.append(import, &people));
                }
                Step::Withdraw(index) => {
                    if model.0.is_empty() { continue }
                    let at = index.index(model.0.len());
                    let done = ledger.withdraw(now, "ann", "why", &[at as u64 + 1]);
                    match model.take(|place, _| place == at) {
                        0 => prop_assert!(done.is_err()),
                        _ => prop_assert_eq!(done.unwrap(), [model.0.len() as u64]),
                    }
                }
                Step::Undo(import) => {
                    let done = ledger.undo_import(now, "ann", "why", IMPORTS[import].unwrap());
                    match (model.take(|_, row| row.import == import), done) {
                        (0, Err(LedgerError::NotUndoable { .. })) => {}
                        (rows, Ok(undone)) => prop_assert_eq!(undone.rows, rows),
                        other => panic!("{other:?}"),
                    }
                }
                Step::Settle => while ledger.settle().unwrap() {},
                Step::Reopen => f.reopen(),
            }
        }
        prop_assert_eq!(f.ledger.head().unwrap().position, model.0.len() as u64);
        let mut told = BTreeSet::new();
        for person in 0..12_u8 {
            for ledger in [&mut f.ledger, &mut other] {
                let found = ledger.entries_of(&[about(person).keys]).unwrap();
                for found in found.iter().filter(|found| found.entry.kind != Kind::Withdrawn) {
                    let row = &model.0[usize::try_from(found.entry.position).unwrap() - 1];
                    prop_assert_eq!(row.person, Some(person));
                    prop_assert_eq!(&found.entry.subject, &about(person).subject);
                    prop_assert_eq!(found.withdrawn_by, row.withdrawn_by);
                    told.insert(found.entry.position);
                }
            }
        }
        prop_assert_eq!(told.len(), model.0.iter().filter(|row| row.person.is_some()).count());
        prop_assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
        // All of it read once more adds what does not stand, and then nothing.
        let all: Vec<NewEntry> = (0..12_u8).map(about).collect();
        let standing = (0..12).filter(|person| model.stands(*person)).count();
        prop_assert_eq!(other.append(at(999), None, &all).unwrap().seen, standing);
        prop_assert_eq!(f.ledger.append(at(999), None, &all).unwrap().seen, 12);
    }
}
