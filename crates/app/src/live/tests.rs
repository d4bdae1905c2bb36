use std::collections::HashMap;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use address::{Mailbox, PersonRules};
use policy::{Lists, LiveLists, LookUp, Lookup, Question};
use sources::{Found, RemoteError};
use suppression::{
    Day, Grace, Hasher, Index, IndexKey, KeyId, Kind, Origin, Permission, Scope, SharedIndex,
    Stream, StreamClass,
};
use tokio::sync::Notify;

use super::line::{Database, Line, Wait};
use super::pool::Pool;
use super::*;
use crate::clock;
use crate::config::{Mode, SourceSettings, Surroundings, load_text};
use crate::keeper::LedgerLists;
use crate::keys::Keys;

mod gate;

/// What a made-up database does with a question.
#[derive(Clone, Default)]
enum Manner {
    /// Answers.
    #[default]
    Good,
    /// Breaks off.
    Cut,
    /// Does not even let anybody in.
    Away,
    /// Never answers.
    Silent,
    /// Answers when it is told to.
    Slow(Arc<Notify>),
    /// Answers too little.
    Short,
    /// Has a fault that nobody thought of.
    Broken,
}

#[derive(Default)]
struct Inside {
    rows: HashMap<String, Vec<Vec<(String, String)>>>,
    manner: Manner,
    opened: usize,
    asked: Vec<Vec<String>>,
    /// Connections made before are closed.
    restarted: usize,
}

/// A made-up database.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Inside>>);

impl Made {
    fn has(self, value: &str, cells: &[(&str, &str)]) -> Self {
        let cells = cells.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned()));
        let row = cells.collect();
        self.0.lock().unwrap().rows.entry(value.to_owned()).or_default().push(row);
        self
    }

    fn is(&self, manner: Manner) {
        self.0.lock().unwrap().manner = manner;
    }

    fn restarts(&self) {
        let mut inside = self.0.lock().unwrap();
        inside.restarted = inside.opened;
    }

    fn opened(&self) -> usize {
        self.0.lock().unwrap().opened
    }

    fn asked(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().asked.clone()
    }
}

fn cut() -> RemoteError {
    RemoteError::Cut { server: "db:1".to_owned(), what: "reset".to_owned() }
}

impl Database for Made {
    fn open(&self) -> Wait<'_, Box<dyn Line>> {
        Box::pin(async {
            let mut inside = self.0.lock().unwrap();
            if matches!(inside.manner, Manner::Away) {
                let (server, what) = ("db:1".to_owned(), "refused".to_owned());
                return Err(RemoteError::Unreachable { server, what });
            }
            inside.opened += 1;
            let line = MadeLine { made: self.clone(), number: inside.opened };
            Ok(Box::new(line) as Box<dyn Line>)
        })
    }
}

struct MadeLine {
    made: Made,
    number: usize,
}

impl Line for MadeLine {
    fn ask<'a>(&'a mut self, values: &'a [String]) -> Wait<'a, Vec<Vec<Found>>> {
        Box::pin(async {
            let manner = {
                let mut inside = self.made.0.lock().unwrap();
                if self.number <= inside.restarted {
                    return Err(cut());
                }
                inside.asked.push(values.to_vec());
                inside.manner.clone()
            };
            match manner {
                Manner::Cut | Manner::Away => return Err(cut()),
                Manner::Silent => pending().await,
                Manner::Slow(go) => go.notified().await,
                Manner::Short => return Ok(Vec::new()),
                Manner::Broken => panic!("a fault that nobody thought of"),
                Manner::Good => {}
            }
            let inside = self.made.0.lock().unwrap();
            let rows = |value| inside.rows.get(value).map(Vec::as_slice).unwrap_or_default();
            let found = |row: &Vec<(String, String)>| Found {
                columns: row.iter().map(|(name, _)| name.clone()).collect(),
                cells: row.iter().map(|(_, cell)| Some(cell.clone())).collect(),
            };
            Ok(values.iter().map(|value| rows(value).iter().map(found).collect()).collect())
        })
    }
}

/// The settings of a source `crm`, with more lines of TOML.
fn settings(name: &str, more: &str) -> SourceSettings {
    let text = format!(
        "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n\
         [[source]]\nname = \"{name}\"\nsqlite = \"/x.db\"\nmode = \"live\"\n\
         query = \"SELECT * FROM out WHERE email = @recipient\"\n{more}"
    );
    let loaded = load_text(Path::new("/tmp/optgate.toml"), &text, &Surroundings::default());
    loaded.settings.unwrap().sources.remove(0)
}

/// Lists that are asked together with an index.
struct Stage {
    lists: LedgerLists,
    sources: Arc<LiveSources>,
    today: Day,
}

impl Stage {
    fn new(live: &[(SourceSettings, Made)], known: &[(&str, Kind, Scope)]) -> Self {
        Self::with(live, known, None)
    }

    fn with(
        live: &[(SourceSettings, Made)],
        known: &[(&str, Kind, Scope)],
        grace: Option<Grace>,
    ) -> Self {
        let each = live.iter().map(|(source, made)| {
            let Mode::Live(live) = &source.mode else { panic!("not live") };
            (source, live, Box::new(made.clone()) as Box<dyn Database>)
        });
        let sources = LiveSources::with(each).unwrap();
        let hasher = Hasher::new(KeyId(1), &[1; 32]);
        let rows = known.iter().zip(1..).map(|((address, kind, scope), row)| {
            let keys = hasher.keys(&canonical(address));
            let digest = if *kind == Kind::Consent { &keys.exact } else { &keys.person };
            let origin = Origin::new("ledger", *kind, scope.clone());
            (IndexKey::from(digest), origin, "2026-01-10".parse().unwrap(), row)
        });
        let index = Index::empty().with(rows, 100).unwrap();
        let shared = Arc::new(SharedIndex::new(index));
        let lists = LedgerLists::new(Keys::new(hasher), shared, Arc::default(), grace);
        let lists = lists.with_outside(Arc::clone(sources.outside()));
        Self { lists, sources, today: clock::now().day() }
    }

    fn one(more: &str, made: &Made) -> Self {
        Self::new(&[(settings("crm", more), made.clone())], &[])
    }

    fn question(&self, written: &str, streams: &[Stream]) -> Question {
        let address = canonical(written);
        Question {
            written: written.to_owned(),
            keys: self.lists.keys(&address),
            address,
            streams: streams.iter().cloned().map(Arc::new).collect(),
            today: self.today,
        }
    }

    /// Whether the live lists would be asked.
    fn waits(&self, written: &str, stream: &Stream) -> bool {
        let question = self.question(written, std::slice::from_ref(stream));
        let inquiry = policy::Inquiry {
            written,
            address: &question.address,
            keys: &question.keys,
            streams: &[stream],
            today: self.today,
        };
        self.lists.look_up(&inquiry) == LookUp::Later
    }

    fn answering(&self, all: &[&str]) -> policy::Answering {
        let questions = all.iter().map(|one| self.question(one, &[Stream::default()])).collect();
        AskedLists::new(self.lists.clone(), Arc::clone(&self.sources)).ask(questions)
    }

    async fn ask_all(&self, all: &[&str]) -> Vec<String> {
        let answers = self.answering(all).await;
        answers.iter().map(|one| word(&one.lookups[0])).collect()
    }

    async fn ask(&self, one: &str) -> String {
        self.ask_all(&[one]).await.remove(0)
    }
}

fn canonical(address: &str) -> address::Canonical {
    Mailbox::parse(address).unwrap().canonical(&PersonRules::default()).unwrap()
}

fn word(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Clear => "clear".to_owned(),
        Lookup::Suppressed(entry) => {
            format!("{} for {} since {} ({})", entry.kind, entry.scope, entry.since, entry.source)
        }
        Lookup::Unknown(why) => why.clone(),
        other => format!("{other:?}"),
    }
}

fn transactional() -> Stream {
    Stream::new("receipts", StreamClass::Transactional)
}

const OUT: &str = "opt-out for commercial since 2026-02-03 (crm)";

#[tokio::test]
async fn who_is_found_is_out_since_the_day_that_the_row_says() {
    let made = Made::default()
        .has("bob@example.com", &[("opted_out_at", "2026-02-03 10:00:00")])
        .has("undated@example.com", &[("id", "7")])
        .has(
            "spam@example.com",
            &[("kind", "complaint"), ("scope", "all"), ("date", "2026-02-04")],
        );
    let stage = Stage::one("", &made);
    let plain = "opt-out for commercial since 2026-02-04 (crm)";
    assert_eq!(stage.ask("spam@example.com").await, plain, "no setting names these columns");
    assert!(!stage.waits("spam@example.com", &transactional()));
    let with = "kind_column = \"kind\"\nscope_column = \"scope\"";
    let told = Made::default().has(
        "spam@example.com",
        &[("kind", "complaint"), ("scope", "all"), ("date", "2026-02-04")],
    );
    let complaint = "complaint for all since 2026-02-04 (crm)";
    let told = Stage::one(with, &told);
    assert!(told.waits("spam@example.com", &transactional()));
    assert_eq!(told.ask("spam@example.com").await, complaint);
    assert_eq!(stage.ask("bob@example.com").await, OUT);
    let today = stage.today;
    let undated = format!("opt-out for commercial since {today} (crm)");
    assert_eq!(stage.ask("undated@example.com").await, undated);
    assert_eq!(stage.ask("eve@example.com").await, "clear");
}

#[tokio::test]
async fn an_envelope_is_one_question_about_every_form_of_each_address() {
    let made = Made::default().has("bob@example.com", &[("date", "2026-02-03")]);
    let stage = Stage::one("", &made);
    let all =
        ["Bob+News@Example.com", "eve@example.com", "'or'1'='1@example.com", "eve@example.com"];
    assert_eq!(stage.ask_all(&all).await, [OUT, "clear", "clear", "clear"]);
    let asked = made.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let forms = [
        "Bob+News@Example.com",
        "bob+news@example.com",
        "bob@example.com",
        "eve@example.com",
        // A value, whatever it looks like.
        "'or'1'='1@example.com",
    ];
    assert_eq!(asked[0], forms);
    assert_eq!(made.opened(), 1);
}

#[tokio::test]
async fn only_where_it_could_matter_anybody_waits() {
    let made = Made::default();
    let known = [
        ("out@example.com", Kind::OptOut, Scope::Commercial),
        ("blocked@example.com", Kind::Manual, Scope::All),
    ];
    let stage = Stage::new(&[(settings("crm", ""), made.clone())], &known);
    assert!(stage.waits("bob@example.com", &Stream::default()));
    assert!(!stage.waits("bob@example.com", &transactional()));
    assert!(!stage.waits("out@example.com", &Stream::default()));
    let opt_in = Stream { permission: Permission::OptIn, ..Stream::default() };
    assert!(!stage.waits("bob@example.com", &opt_in));
    // Of an envelope only those are asked about for whom it does.
    let words = stage.ask_all(&["out@example.com", "bob@example.com"]).await;
    assert_eq!(words, ["opt-out for commercial since 2026-01-10 (ledger)", "clear"]);
    assert_eq!(made.asked(), [["bob@example.com"]]);
}

#[tokio::test]
async fn a_list_that_fails_makes_unknown_what_it_could_change_and_nothing_else() {
    let (crm, shop) = (Made::default(), Made::default());
    let shop = shop.has("bob@example.com", &[("date", "2026-02-05")]);
    crm.is(Manner::Cut);
    let known = [("out@example.com", Kind::OptOut, Scope::Commercial)];
    let live = [(settings("crm", ""), crm), (settings("shop", "scope = \"all\""), shop)];
    let stage = Stage::new(&live, &known);
    let why = "list crm: db:1 broke off: reset";
    let out = "opt-out for commercial since 2026-01-10 (ledger)";
    let by_shop = "opt-out for all since 2026-02-05 (shop)";
    let words = stage.ask_all(&["eve@example.com", "out@example.com", "bob@example.com"]).await;
    assert_eq!(words, [why, out, by_shop]);
    let question = stage.question("eve@example.com", &[transactional(), Stream::default()]);
    let asked = AskedLists::new(stage.lists.clone(), Arc::clone(&stage.sources));
    let answers = asked.ask(vec![question]).await;
    let words: Vec<_> = answers[0].lookups.iter().map(word).collect();
    assert_eq!(words, ["clear", why]);
}

#[tokio::test]
async fn whatever_goes_wrong_is_unknown_and_the_next_question_is_asked_on_a_new_connection() {
    let limit = "timeout = \"1s\"\ncache = \"never\"";
    for (manner, why) in [
        (Manner::Cut, "db:1 broke off: reset"),
        (Manner::Away, "db:1 cannot be reached: refused"),
        (Manner::Silent, "no answer within 1s"),
        (Manner::Short, "the database gave a wrong number of answers"),
        (Manner::Broken, "the look-up ended by a fault of its own"),
    ] {
        let made = Made::default().has("bob@example.com", &[("date", "2026-02-03")]);
        let stage = Stage::one(limit, &made);
        made.is(manner);
        assert_eq!(stage.ask("bob@example.com").await, format!("list crm: {why}"));
        assert_eq!(stage.sources.lines()[0].last_error.as_deref(), Some(why));
        let opened = made.opened();
        made.is(Manner::Good);
        assert_eq!(stage.ask("bob@example.com").await, OUT);
        assert_eq!(made.opened(), opened + 1, "{why}");
        let line = &stage.sources.lines()[0];
        assert_eq!((line.asked, line.found, line.failed, line.idle, line.busy), (2, 1, 1, 1, 0));
    }
}

#[tokio::test]
async fn a_database_that_was_started_again_defers_nobody() {
    let made = Made::default().has("bob@example.com", &[("date", "2026-02-03")]);
    let stage = Stage::one("cache = \"never\"", &made);
    assert_eq!(stage.ask("bob@example.com").await, OUT);
    made.restarts();
    assert_eq!(stage.ask("bob@example.com").await, OUT);
    assert_eq!(stage.ask("bob@example.com").await, OUT);
    assert_eq!(made.opened(), 2);
}

#[tokio::test]
async fn an_answer_is_remembered_for_the_address_as_it_was_written() {
    let made = Made::default().has("Bob@example.com", &[("date", "2026-02-03")]);
    let stage = Stage::one("cache = \"1h\"", &made);
    for _ in 0..2 {
        assert_eq!(stage.ask("bob@example.com").await, "clear");
        // The database may tell the two apart.
        assert_eq!(stage.ask("Bob@example.com").await, OUT);
    }
    assert_eq!(made.asked().len(), 2);
    let line = &stage.sources.lines()[0];
    assert_eq!((line.asked, line.remembered, line.found, line.questions), (4, 2, 2, 2));
    // Who asks why gets what is there now.
    let question = stage.question("bob@example.com", &[Stream::default()]);
    stage.sources.explain(&stage.lists, question).await;
    assert_eq!(made.asked().len(), 3);
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_many_are_enough() {
    let made = Made::default();
    made.is(Manner::Away);
    let stage = Stage::one("cache = \"1h\"", &made);
    for _ in 0..5 {
        let why = "list crm: db:1 cannot be reached: refused";
        assert_eq!(stage.ask("bob@example.com").await, why);
    }
    made.is(Manner::Good);
    let why = stage.ask("bob@example.com").await;
    assert!(why.starts_with("list crm: it keeps failing and is not asked for another "), "{why}");
    assert!(why.ends_with("the last: db:1 cannot be reached: refused"), "{why}");
    assert_eq!(made.opened(), 0);
    let line = &stage.sources.lines()[0];
    assert_eq!((line.breaker.as_str(), line.failed), ("open", 6));
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_connection_is_told_so() {
    let limit = Duration::from_millis(20);
    let pool = Pool::new(Box::new(Made::default()), 1, limit);
    let later = tokio::time::Instant::from_std(clock::instant() + Duration::from_secs(3600));
    let seat = pool.seat(later).await.unwrap();
    let failure = pool.seat(pool.deadline(clock::instant())).await.err().unwrap();
    assert_eq!(failure.to_string(), "no connection was free within 20ms");
    // That says nothing about the database.
    assert!(!failure.counts());
    assert_eq!(pool.connections(), (0, 1));
    assert!(pool.ask(seat, &["a@example.com".to_owned()], later).await.is_ok());
    assert!(pool.seat(later).await.is_ok());
    assert_eq!(pool.connections(), (1, 0));
}

#[tokio::test]
async fn a_question_goes_on_when_its_session_is_gone() {
    let (made, go) = (Made::default(), Arc::new(Notify::new()));
    made.is(Manner::Slow(Arc::clone(&go)));
    let stage = Stage::one("cache = \"1h\"", &made);
    let session = tokio::spawn(stage.answering(&["bob@example.com"]));
    while made.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    session.abort();
    assert!(session.await.unwrap_err().is_cancelled());
    go.notify_one();
    made.is(Manner::Good);
    while stage.sources.lines()[0].idle == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.ask("eve@example.com").await, "clear");
    assert_eq!((made.opened(), made.asked().len()), (1, 2));
}

#[tokio::test]
async fn consents_count_for_exactly_the_address_and_by_their_date() {
    let made = Made::default()
        .has("out@example.com", &[("date", "2026-02-03")])
        .has("early@example.com", &[("date", "2026-01-09")])
        .has("undated@example.com", &[("agreed", "yes")]);
    let known = ["out", "early", "undated", "other"].map(|local| format!("{local}@example.com"));
    let known: Vec<_> =
        known.iter().map(|one| (one.as_str(), Kind::OptOut, Scope::Commercial)).collect();
    let stage = Stage::new(&[(settings("yes", "kind = \"consent\""), made.clone())], &known);
    let out = "opt-out for commercial since 2026-01-10 (ledger)";
    assert_eq!(stage.ask("out@example.com").await, "clear");
    assert_eq!(stage.ask("out+news@example.com").await, out);
    for local in ["early", "undated", "other"] {
        assert_eq!(stage.ask(&format!("{local}@example.com")).await, out);
    }
    // Nobody who may be mailed is asked about.
    assert!(!stage.waits("eve@example.com", &Stream::default()));
    made.is(Manner::Away);
    assert_eq!(stage.ask("other2@example.com").await, "clear");
    assert_eq!(stage.ask("other+x@example.com").await, out, "a known objection stays one");
}

#[tokio::test]
async fn what_cannot_be_understood_is_unknown() {
    let made = Made::default().has("bob@example.com", &[("date", "2026-02-03")]);
    let stage = Stage::one("scope_column = \"list\"", &made);
    let why = "list crm: `scope_column`: its answer has no column \"list\"";
    assert_eq!(stage.ask("bob@example.com").await, why);
    assert_eq!(stage.ask("eve@example.com").await, "clear");
    // The database works, so it goes on being asked.
    assert_eq!(stage.sources.lines()[0].breaker, "closed");
}

#[tokio::test]
async fn a_row_about_a_class_stops_nothing_and_is_told() {
    let made = Made::default()
        .has("bob@example.com", &[("date", "2026-02-03"), ("list", "net.example:ADV")])
        .has("eve@example.com", &[("date", "2026-02-03"), ("list", "shop")]);
    let stage = Stage::one("scope_column = \"list\"", &made);
    assert!(stage.ask("eve@example.com").await.starts_with("opt-out for shop"));
    assert_eq!(stage.sources.lines()[0].last_error, None);
    assert_eq!(stage.ask("bob@example.com").await, "clear");
    let line = &stage.sources.lines()[0];
    let told = line.last_error.as_deref().unwrap();
    assert!(told.starts_with("`scope_column`: a row is about a class of solicitation"), "{told}");
    assert!(!line.failing);
}

#[tokio::test]
async fn without_a_date_no_grace_begins_anew_every_day() {
    let today = clock::now().day().to_string();
    let made = Made::default()
        .has("undated@example.com", &[("id", "7")])
        .has("fresh@example.com", &[("date", &today)]);
    let known = [("undated@example.com", Kind::Consent, Scope::Commercial)];
    let stage = Stage::with(&[(settings("crm", ""), made)], &known, Some(Grace::CAN_SPAM));
    let undated = format!("opt-out for commercial since {today} (crm)");
    assert_eq!(stage.ask("undated@example.com").await, undated, "later than the consent, too");
    let fresh = stage.ask("fresh@example.com").await;
    assert!(fresh.starts_with("InGrace"), "{fresh}");
}

#[tokio::test]
async fn a_query_that_finds_everybody_refuses_nobody() {
    let made = Made::default().has("bob@example.com", &[("email", "b"), ("optout", "false")]);
    let stage = Stage::one("", &made);
    let why = stage.ask("bob@example.com").await;
    assert!(why.starts_with("list crm: its query answers with a row for people who"), "{why}");
    let line = &stage.sources.lines()[0];
    assert_eq!((line.breaker.as_str(), line.failing), ("closed", true));
    assert!(line.unknown().unwrap().starts_with("it fails: its query answers"));
    assert_eq!(stage.ask("eve@example.com").await, "clear");
    assert_eq!(stage.sources.lines()[0].unknown(), None);
}

#[tokio::test]
async fn bounces_lapse_and_others_do_not() {
    let made = Made::default()
        .has("old@example.com", &[("date", "2020-01-01"), ("until", "")])
        .has("ended@example.com", &[("date", "2026-01-01"), ("until", "2026-01-02")]);
    let stage = Stage::one("kind = \"undeliverable\"\nuntil = \"until\"", &made);
    assert_eq!(stage.ask("old@example.com").await, "clear");
    assert_eq!(stage.ask("ended@example.com").await, "clear");
    let stage = Stage::one("", &made);
    let out = "opt-out for commercial since 2020-01-01 (crm)";
    assert_eq!(stage.ask("old@example.com").await, out);
}

#[tokio::test]
async fn every_list_is_told_of_with_what_it_said() {
    let crm = Made::default().has("bob@example.com", &[("date", "2026-02-03")]);
    let (shop, news) = (Made::default(), Made::default());
    news.is(Manner::Away);
    let live = [
        (settings("crm", ""), crm),
        (settings("shop", ""), shop),
        (settings("news", ""), news),
        (settings("yes", "kind = \"consent\""), Made::default()),
    ];
    let stage = Stage::new(&live, &[]);
    let question = stage.question("bob@example.com", &[Stream::default()]);
    let (lookups, told) = stage.sources.explain(&stage.lists, question).await;
    assert_eq!(word(&lookups[0]), OUT);
    let words: Vec<_> = told.iter().map(|one| (one.list.as_str(), one.words.as_str())).collect();
    let expected = [
        ("crm", "opt-out for commercial since 2026-02-03"),
        ("shop", "has no entry"),
        ("news", "no answer: db:1 cannot be reached: refused"),
        ("yes", "not asked: it could not change anything"),
    ];
    assert_eq!(words, expected);
    let found: Vec<_> = told.iter().map(|one| one.found).collect();
    assert_eq!(found, [Some(1), Some(0), None, None]);
    let took: Vec<_> = told.iter().map(|one| one.took.is_some()).collect();
    assert_eq!(took, [true, true, true, false]);
    assert!(told.iter().all(|one| one.took.unwrap_or_default() < Duration::from_secs(60)));
}

#[test]
fn those_who_block_get_the_same_answers_in_bulk() {
    let made = Made::default().has("u7@example.com", &[("date", "2026-02-03")]);
    let stage = Stage::one("", &made);
    let alone = Consultant::alone(Arc::clone(&stage.sources));
    let questions: Vec<_> = (0..450)
        .map(|n| stage.question(&format!("u{n}@example.com"), &[Stream::default()]))
        .collect();
    let answers = alone.ask(&stage.lists, questions).unwrap();
    let words: Vec<_> = answers.iter().map(|one| word(&one.lookups[0])).collect();
    assert_eq!(words.len(), 450);
    assert_eq!(words.iter().filter(|word| *word == "clear").count(), 449);
    assert_eq!(words[7], OUT);
    assert_eq!(made.asked().iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 50]);
    let question = stage.question("u7@example.com", &[Stream::default()]);
    let (lookups, _) = alone.explain(&stage.lists, question).unwrap();
    assert_eq!(word(&lookups[0]), OUT);
}
