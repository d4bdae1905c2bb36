use super::*;
use crate::record::Record;
use crate::record::tests::{intent, line, outcome};

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
        let mut from = Some(0);
        while let Some(offset) = from {
            let pass = read_with_room(file.path(), offset, room).unwrap();
            assert!(pass.open.len() <= room);
            from = pass.no_room;
            assert!(from.is_none_or(|next| next > offset), "every pass gets further");
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
    let pass = read_with_room(file.path(), 0, 1).unwrap();
    assert_eq!((pass.open.len(), pass.no_room), (0, None));
}

#[test]
fn an_intent_behind_a_torn_line_counts_and_a_torn_intent_is_counted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let whole = line(&Record::Intent(&intent(name(1))));
    let torn = &whole[..whole.len() / 2];
    std::fs::write(file.path(), [torn, &whole, torn, b"\n"].concat()).unwrap();
    let pass = read(file.path(), 0).unwrap();
    assert_eq!((pass.torn, pass.unended), (2, false));
    let open: Vec<_> = pass.outcomes(Timestamp::EPOCH).map(|outcome| outcome.transaction).collect();
    assert_eq!(open, [name(1)]);
}
