use super::*;
use crate::record::tests::{intent, line, outcome};
use crate::record::{Intent, Record};

const BEGIN: Place = Place { file: 0, offset: 0 };

fn name(number: u32) -> Reference {
    Reference::new(1, number)
}

/// Intents 0 to 99, outcomes of all but every tenth, long after them.
fn file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let intents = (0..100).map(|number| line(&Record::Intent(&intent(name(number)))));
    let closed = (0..100).filter(|number| number % 10 != 0);
    let outcomes = closed.map(|number| line(&Record::Outcome(&outcome(name(number)))));
    std::fs::write(file.path(), intents.chain(outcomes).flatten().collect::<Vec<_>>()).unwrap();
    file
}

#[test]
fn with_any_room_every_open_intent_is_found_once() {
    let file = file();
    for room in [1, 2, 9, 10, 11, 50, 99, 100, 101] {
        let mut unknown = Vec::new();
        let mut from = Some(BEGIN);
        while let Some(place) = from {
            let pass = read_with_room(&[], file.path(), place, room).unwrap();
            assert!(pass.open.len() <= room);
            from = pass.no_room;
            assert!(from.is_none_or(|next| next > place), "every pass gets further");
            unknown.extend(pass.outcomes(Timestamp::EPOCH).map(|outcome| outcome.transaction));
        }
        assert_eq!(unknown, (0..100).step_by(10).map(name).collect::<Vec<_>>(), "room {room}");
    }
}

#[test]
fn room_is_for_open_intents_and_closed_ones_make_room() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let pair = |number| {
        let name = name(number);
        [line(&Record::Intent(&intent(name))), line(&Record::Outcome(&outcome(name)))].concat()
    };
    std::fs::write(file.path(), (0..50).flat_map(pair).collect::<Vec<_>>()).unwrap();
    let pass = read_with_room(&[], file.path(), BEGIN, 1).unwrap();
    assert_eq!((pass.open.len(), pass.no_room), (0, None));
}

#[test]
fn an_intent_behind_a_torn_line_counts_and_a_torn_intent_is_counted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let whole = line(&Record::Intent(&intent(name(1))));
    let torn = &whole[..whole.len() / 2];
    std::fs::write(file.path(), [torn, &whole, torn, b"\n"].concat()).unwrap();
    let pass = read(&[], file.path(), BEGIN).unwrap();
    assert_eq!((pass.torn, pass.survey.unended), (2, false));
    let open: Vec<_> = pass.outcomes(Timestamp::EPOCH).map(|outcome| outcome.transaction).collect();
    assert_eq!(open, [name(1)]);
}

/// Intents 0 to 29 in three closed files, one of them packed, outcomes of most much later.
#[test]
fn intents_are_found_in_closed_files_as_far_back_as_they_can_be_open() {
    let folder = tempfile::tempdir().unwrap();
    let current = folder.path().join("evidence.jsonl");
    let minute =
        |minute: u32| -> Timestamp { format!("2026-03-02T10:{minute:02}:00Z").parse().unwrap() };
    let intents = |numbers: std::ops::Range<u32>, time| {
        let one = |number| Intent { time, ..intent(name(number)) };
        numbers.flat_map(|number| line(&Record::Intent(&one(number)))).collect::<Vec<_>>()
    };
    for file in 0..3 {
        let number = file + 1;
        let path = Closed::path(&current, u64::from(number), minute(10 * number));
        let text = intents(10 * file..10 * number, minute(10 * number - 1));
        std::fs::write(&path, text).unwrap();
    }
    crate::packing::pack(&Closed::path(&current, 2, minute(20))).unwrap();
    let closed = crate::files::closed(&current).unwrap();
    let outcomes = (0..30).filter(|number| number % 10 != 0).map(|number| {
        line(&Record::Outcome(&Outcome { time: minute(35), ..outcome(name(number)) }))
    });
    std::fs::write(&current, outcomes.flatten().collect::<Vec<_>>()).unwrap();
    let found = |reach: u64, room| {
        let reach = Duration::from_secs(60 * reach);
        let mut from = Some(Place::begin(&closed, &current, reach).unwrap());
        let mut found = Vec::new();
        while let Some(place) = from {
            let pass = read_with_room(&closed, &current, place, room).unwrap();
            from = pass.no_room;
            found.extend(pass.outcomes(Timestamp::EPOCH).map(|outcome| outcome.transaction));
        }
        found
    };
    for room in [1, 3, 10, 11, 30] {
        assert_eq!(found(60, room), [name(0), name(10), name(20)], "room {room}");
        assert_eq!(found(15, room), [name(10), name(20)], "room {room}");
        assert_eq!(found(14, room), [name(20)], "room {room}");
    }
    std::fs::write(&current, "").unwrap();
    assert_eq!(found(9, 100).len(), 10, "all of the last file, from whose end it is reckoned");
}
