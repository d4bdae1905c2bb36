//! A source in a database, brought by somebody who plays one.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use sources::{Mark, Pulled, Since, Spool, SpoolWriter};

use super::*;
use crate::config::SourceSettings;
use crate::lists::brought::Wish;
use crate::lists::failed::Failed;
use crate::lists::feed::Feed;
use crate::lists::puller::{Puller, until_stopped};
use crate::lists::synchronise::{Look, Shop, Synchroniser};

/// A table with a watermark, and what was asked of it.
#[derive(Default)]
struct Played {
    rows: Vec<(String, u64)>,
    asked: Vec<Option<String>>,
    fails: Option<&'static str>,
}

#[derive(Clone, Default)]
struct Player(Arc<Mutex<Played>>);

impl Puller for Player {
    fn pull(
        &mut self,
        since: Option<&Since>,
        folder: &Path,
        _: &AtomicBool,
    ) -> Result<(Pulled, Spool), Failed> {
        let mut played = self.0.lock().unwrap();
        let from = since.and_then(|since| since.from.as_ref()).map(|mark| mark.0.clone());
        played.asked.push(from.clone());
        let mut spool = SpoolWriter::new(folder).unwrap();
        spool.columns(&["email", "changed"]).unwrap();
        let from: u64 = from.map_or(0, |from| from.parse().unwrap());
        let mut greatest = None;
        for (email, mark) in played.rows.iter().filter(|(_, mark)| *mark >= from) {
            spool.row([Some(email.as_str()), Some("")].into_iter()).unwrap();
            greatest = greatest.max(Some(*mark));
        }
        if let Some(why) = played.fails {
            return Err(Failed::Wrong(why.to_owned()));
        }
        let spool = spool.finish().unwrap();
        let mark = greatest.filter(|_| since.is_some()).map(|mark| Mark(mark.to_string()));
        Ok((Pulled { rows: spool.rows(), mark }, spool))
    }
}

impl Player {
    fn rows(&self, range: std::ops::Range<u64>) {
        let row = |n: u64| (format!("u{n}@example.com"), n + 1);
        self.0.lock().unwrap().rows = range.map(row).collect();
    }

    fn fails(&self, why: Option<&'static str>) {
        self.0.lock().unwrap().fails = why;
    }

    /// What was asked since this was asked last.
    fn asked(&self) -> Vec<Option<String>> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

struct Table {
    house: House,
    player: Player,
    synchroniser: Synchroniser,
}

fn shop(house: &House) -> Shop {
    let maker = EntryMaker::new(
        house.keeper.keys().clone(),
        house.settings.ledger.person.clone(),
        house.settings.ledger.store,
    );
    let folder = house.folder.path().to_owned();
    Shop { keeper: house.keeper.clone(), maker, folder, stop: Arc::default() }
}

fn table(more: &str) -> Table {
    let house = house_of(&format!("sqlite = \"crm.db\"\nquery = \"SELECT email\"\n{more}"));
    note_ages(&house.keeper, &house.settings.sources).unwrap();
    let player = Player::default();
    let synchroniser = synchroniser(&house, &player);
    Table { house, player, synchroniser }
}

fn synchroniser(house: &House, player: &Player) -> Synchroniser {
    let source = &house.settings.sources[0];
    played(house, source, player)
}

fn played(house: &House, source: &SourceSettings, player: &Player) -> Synchroniser {
    let crate::config::Mode::Sync(sync) = &source.mode else { panic!("{source:?}") };
    let feed = Feed::pulled(source, sync, house.folder.path(), Box::new(player.clone()));
    Synchroniser::of(&shop(house), source, feed).unwrap()
}

impl Table {
    #[track_caller]
    fn reads(&mut self, wish: Wish) -> SyncOutcome {
        match self.synchroniser.look(wish) {
            Look::Done(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn fails(&mut self, words: &str) {
        match self.synchroniser.look(Wish::New) {
            Look::Failed(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

const MARKED: &str = "watermark = \"changed\"\n";

fn mark(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn after_the_first_time_only_what_may_be_new_is_read() {
    let mut table = table(MARKED);
    table.player.rows(0..100);
    let first = table.reads(Wish::Due);
    assert_eq!((first.whole, first.rows, first.added), (true, 100, 100));
    table.player.rows(0..103);
    let next = table.reads(Wish::Due);
    assert_eq!((next.whole, next.rows, next.added, next.known), (false, 4, 3, 1));
    assert_eq!(table.player.asked(), [None, mark("100")]);
    assert_eq!(table.house.keeper.index().load().len(), 103);
    // The figure for the guard is that of the whole.
    assert_eq!(table.house.state().last_rows, Some(100));
    let all = table.reads(Wish::All);
    assert_eq!((all.whole, all.rows, all.added), (true, 103, 0));
    assert_eq!(table.house.state().last_rows, Some(103));
    table.house.keeper.stop();
}

#[test]
fn nothing_new_is_fresh() {
    let mut table = table(MARKED);
    table.player.rows(0..10);
    table.reads(Wish::Due);
    let before = table.house.state();
    table.player.rows(0..0);
    let nothing = table.reads(Wish::Due);
    assert_eq!((nothing.changed, nothing.rows), (false, 0));
    let after = table.house.state();
    assert!(after.last_success > before.last_success && after.cursor == before.cursor);
    // A whole table that is empty is another matter.
    match table.synchroniser.look(Wish::All) {
        Look::Failed(why) => assert!(why.contains("shrink_limit") || why.contains("no rows")),
        other => panic!("{other:?}"),
    }
    assert_eq!(table.house.state().cursor, before.cursor);
    table.house.keeper.stop();
}

#[test]
fn a_server_that_dies_changes_nothing_and_its_marks_stay() {
    let mut table = table(MARKED);
    table.player.rows(0..10);
    table.reads(Wish::Due);
    let before = table.house.state();
    table.player.rows(0..20);
    table.player.fails(Some("db broke off"));
    table.fails("db broke off");
    let after = table.house.state();
    assert_eq!(table.house.keeper.index().load().len(), 10);
    assert_eq!(after.last_error.as_deref(), Some("db broke off"));
    assert_eq!((&after.cursor, after.last_success), (&before.cursor, before.last_success));
    // Sooner than `every`, and not at once.
    assert!(!table.synchroniser.is_due());
    assert!(table.synchroniser.wait() <= Duration::from_secs(10));
    table.player.fails(None);
    assert_eq!(table.reads(Wish::New).added, 10);
    assert_eq!(table.house.state().last_error, None);
    assert!(table.synchroniser.wait() > Duration::from_secs(200));
    table.house.keeper.stop();
}

#[test]
fn rows_that_are_mostly_rubbish_are_not_believed() {
    let mut table = table(MARKED);
    table.player.rows(0..50);
    table.reads(Wish::Due);
    let rubbish = |n: u64| ("rubbish".to_owned(), 100 + n);
    table.player.0.lock().unwrap().rows.extend((0..20).map(rubbish));
    table.fails("bad_rows");
    assert_eq!(table.house.keeper.index().load().len(), 50);
    table.house.keeper.stop();
}

#[test]
fn without_a_watermark_all_of_it_is_read_and_judged() {
    let mut table = table("");
    table.player.rows(0..100);
    table.reads(Wish::Due);
    assert!(!table.reads(Wish::Due).changed);
    table.player.rows(0..50);
    table.fails("50 usable rows where it had 100");
    table.player.rows(0..101);
    let more = table.reads(Wish::Due);
    assert_eq!((more.whole, more.rows, more.added), (true, 101, 1));
    assert_eq!(table.player.asked(), [None, None, None, None]);
    table.house.keeper.stop();
}

#[test]
fn a_mirrored_table_takes_back_whom_it_no_longer_names_when_all_of_it_was_read() {
    let mut table = table("mirror = true\nshrink_limit = \"20%\"\nwatermark = \"changed\"\n");
    table.player.rows(0..100);
    assert_eq!(table.reads(Wish::Due).taken_back, 0);
    // By a part nobody is missed.
    table.player.rows(90..101);
    let part = table.reads(Wish::Due);
    assert_eq!((part.whole, part.added, part.taken_back), (false, 1, 0));
    assert!(matches!(table.house.look_up("u7@example.com"), Lookup::Suppressed(_)));
    // A reading that is not believed takes nobody back.
    match table.synchroniser.look(Wish::All) {
        Look::Failed(why) => assert!(why.contains("shrink_limit"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(table.house.look_up("u7@example.com"), Lookup::Suppressed(_)));
    table.player.rows(10..101);
    let whole = table.reads(Wish::All);
    assert_eq!((whole.whole, whole.added, whole.taken_back), (true, 0, 10));
    note_ages(&table.house.keeper, &table.house.settings.sources).unwrap();
    assert_eq!(table.house.look_up("u7@example.com"), Lookup::Clear);
    assert!(matches!(table.house.look_up("u10@example.com"), Lookup::Suppressed(_)));
    // Who comes back is out again.
    table.player.rows(5..101);
    assert_eq!(table.reads(Wish::All).added, 5);
    assert!(matches!(table.house.look_up("u7@example.com"), Lookup::Suppressed(_)));
    assert_eq!(table.reads(Wish::All).taken_back, 0);
    table.house.keeper.stop();
}

#[test]
fn what_was_taken_back_is_read_again_from_the_beginning() {
    let mut table = table(MARKED);
    table.player.rows(0..100);
    table.reads(Wish::Due);
    let import = table.house.keeper.ask(|desk| desk.imports()).unwrap().pop().unwrap().id;
    let now = clock::now();
    table.house.keeper.ask(move |desk| desk.undo_import(now, "me", "why", &import)).unwrap();
    assert!(table.synchroniser.is_due());
    // Much shorter now, which is what the undo was for.
    table.player.rows(0..3);
    let again = table.reads(Wish::Due);
    assert_eq!((again.whole, again.added), (true, 3));
    assert_eq!(table.player.asked(), [None, None]);
    table.house.keeper.stop();
}

#[test]
fn after_a_restart_it_goes_on_where_it_was_unless_the_question_is_another() {
    let mut table = table(MARKED);
    table.player.rows(0..10);
    table.reads(Wish::Due);
    let mut again = synchroniser(&table.house, &table.player);
    assert!(again.is_due());
    assert!(matches!(again.look(Wish::Due), Look::Done(outcome) if !outcome.whole));
    let mut source = table.house.settings.sources[0].clone();
    source.scope = suppression::Scope::All;
    let mut other = played(&table.house, &source, &table.player);
    // Other entries: all of it is recorded anew.
    assert!(matches!(other.look(Wish::Due), Look::Done(o) if o.whole && o.added == 10));
    assert_eq!(table.player.asked(), [None, mark("10"), None]);
    table.house.keeper.stop();
}

#[test]
fn a_file_in_the_place_of_another_is_read_whole() {
    let lines = "sqlite = \"crm.db\"\nquery = \"SELECT * FROM o\"\nwatermark = \"id\"\n";
    let house = house_of(lines);
    note_ages(&house.keeper, &house.settings.sources).unwrap();
    let file = |name: &str, rows: &str| {
        let path = house.folder.path().join(name);
        let file = rusqlite::Connection::open(&path).unwrap();
        let rows = format!("CREATE TABLE o (email, id INTEGER); INSERT INTO o VALUES {rows};");
        file.execute_batch(&rows).unwrap();
        path
    };
    let path = file("crm.db", "('a@example.com', 8), ('b@example.com', 9)");
    let source = &house.settings.sources[0];
    let crate::config::Mode::Sync(sync) = &source.mode else { panic!("{source:?}") };
    let mut synchroniser = Synchroniser::new(&shop(&house), source, sync).unwrap();
    let mut read = || match synchroniser.look(Wish::New) {
        Look::Done(outcome) => (outcome.whole, outcome.rows),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(), (true, 2));
    assert_eq!(read(), (false, 1));
    let other = file("new.db", "('a@example.com', 8), ('b@example.com', 9), ('c@example.com', 1)");
    std::fs::rename(other, path).unwrap();
    assert_eq!(read(), (true, 3));
    house.keeper.stop();
}

#[test]
fn a_gate_that_stops_waits_for_no_server() {
    let stop = AtomicBool::new(false);
    let (begun, begins) = std::sync::mpsc::channel();
    let ended = std::thread::scope(|scope| {
        let pulling = scope.spawn(|| {
            until_stopped(&stop, async {
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
            })
        });
        begins.recv().unwrap();
        stop.store(true, std::sync::atomic::Ordering::Release);
        pulling.join().unwrap()
    });
    assert_eq!(ended, Err(Failed::Stopped));
    // Nor does it begin with one.
    assert_eq!(until_stopped(&stop, std::future::ready(())), Err(Failed::Stopped));
    stop.store(false, std::sync::atomic::Ordering::Release);
    assert_eq!(until_stopped(&stop, std::future::ready(7)), Ok(7));
}
