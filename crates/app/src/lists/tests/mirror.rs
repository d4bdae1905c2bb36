//! A file that is the master of its entries, and what may be wrong with it.

use super::*;
use crate::error::AppError;

const MIRROR: &str = "mirror = true\n";

impl House {
    /// Reads the source once, as if nobody had written to it lately.
    fn reads(&self) -> Result<SyncOutcome, AppError> {
        let path = self.folder.path().join("lists");
        let files = std::fs::read_dir(path).into_iter().flatten().map(|file| file.unwrap().path());
        for file in files.chain(Some(self.list()).filter(|list| list.exists())) {
            age(&file, 1);
        }
        sync_once(&self.keeper, &self.settings, &self.settings.sources[0], false)
    }

    #[track_caller]
    fn is_out(&self, address: &str) {
        assert!(matches!(self.look_up(address), Lookup::Suppressed(_)), "{address}");
    }
}

#[test]
fn a_row_that_became_unreadable_takes_nobody_back() {
    let house = house(MIRROR);
    let all = rows(0..100).replace('\n', ",x\n");
    house.write(&all);
    assert_eq!(house.reads().unwrap().added, 100);
    for broken in ["u7(at)example.com", ""] {
        house.write(&all.replace("u7@example.com", broken));
        let read = house.reads().unwrap();
        assert_eq!((read.changed, read.taken_back), (true, 0), "{broken}");
        assert!(read.warnings.iter().any(|why| why.contains("nobody is taken back")), "{read:?}");
        house.is_out("u7@example.com");
    }
    house.write(&all.replace("u7@example.com,x\n", ""));
    assert_eq!(house.reads().unwrap().taken_back, 1);
    house.keeper.stop();
}

#[test]
fn a_mirrored_list_may_lose_less_than_another_one() {
    let house = house(MIRROR);
    house.write(&rows(0..100));
    house.reads().unwrap();
    house.write(&rows(0..90));
    assert!(house.reads().unwrap_err().to_string().contains("shrink_limit = \"5%\""));
    house.is_out("u95@example.com");
    house.write(&rows(0..96));
    assert_eq!(house.reads().unwrap().taken_back, 4);
    house.keeper.stop();
}

#[test]
fn an_empty_file_among_several_takes_nobody_back() {
    let house = house_of("csv = \"lists\"\nmirror = true\nshrink_limit = \"60%\"\n");
    let folder = house.folder.path().join("lists");
    std::fs::create_dir(&folder).unwrap();
    for (name, range) in [("a.csv", 0..50), ("b.csv", 50..100)] {
        std::fs::write(folder.join(name), rows(range)).unwrap();
    }
    assert_eq!(house.reads().unwrap().added, 100);
    for nothing in ["", "email\n"] {
        std::fs::write(folder.join("b.csv"), nothing).unwrap();
        let why = house.reads().unwrap_err().to_string();
        assert!(why.contains("b.csv has no rows"), "{why}");
        house.is_out("u70@example.com");
    }
    house.keeper.stop();
}

#[test]
fn a_file_that_is_being_written_counts_at_once_and_takes_back_when_it_rests() {
    let house = house(MIRROR);
    house.write(&rows(0..100));
    age(&house.list(), 1);
    let watch = house.watch();
    // Half of it, by the clock of a server that is ahead: the new row counts, nobody is missed.
    let half = rows(0..98) + "new@example.com\n";
    let part = house.folder.path().join("half.part");
    std::fs::write(&part, &half).unwrap();
    let file = std::fs::File::options().write(true).open(&part).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the file system's clock is the system's")]
    let now = std::time::SystemTime::now();
    file.set_modified(now + Duration::from_secs(55)).unwrap();
    std::fs::rename(&part, house.list()).unwrap();
    house.wait_until("it is noted", |h| h.state().last_rows == Some(99));
    house.is_out("new@example.com");
    house.is_out("u99@example.com");
    assert!(house.state().fingerprint.unwrap().starts_with('?'));
    // Written now, and never again: when it rests, it is read once more.
    house.write(&half);
    house.wait_until("it rests", |h| h.look_up("u99@example.com") == Lookup::Clear);
    house.wait_until("that is noted", |h| !h.state().fingerprint.unwrap().starts_with('?'));
    house.is_out("u97@example.com");
    drop(watch);
    house.keeper.stop();
}

#[test]
fn the_age_of_a_folder_is_that_of_its_oldest_file() {
    let house = house_of("csv = \"lists\"\nmax_age = \"7d\"\n");
    let folder = house.folder.path().join("lists");
    std::fs::create_dir(&folder).unwrap();
    for (name, days) in [("a.csv", 8), ("b.csv", 1)] {
        std::fs::write(folder.join(name), rows(0..3)).unwrap();
        age(&folder.join(name), days);
    }
    let watch = house.watch();
    assert!(
        matches!(house.look_up("x@example.com"), Lookup::Unknown(why) if why.contains("max_age"))
    );
    age(&folder.join("a.csv"), 6);
    house.wait_until("known", |h| h.look_up("x@example.com") == Lookup::Clear);
    drop(watch);
    house.keeper.stop();
}
