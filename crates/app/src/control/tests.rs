use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use ledger::IfMissing;

use super::*;
use crate::AppError;
use crate::clerk::{
    AddedOutcome, Addition, Candidate, Clerk, ClerkParts, JudgeQuestion, JudgedLine, Request,
    Running, StatusAnswer, VerdictWord, WhyAnswer,
};
use crate::clock;
use crate::config::{Settings, Surroundings, load_text};
use crate::import::{ImportOutcome, ImportRequest};
use crate::keeper::{Holder, Keeper, KeeperSettings, LedgerLock};

fn settings(folder: &std::path::Path) -> Arc<Settings> {
    let text =
        "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n";
    let loaded = load_text(&folder.join("optgate.toml"), text, &Surroundings::default());
    Arc::new(loaded.settings.unwrap())
}

/// What of a gate the control socket needs.
struct Gate {
    server: Option<ControlServer>,
    keeper: Keeper,
    _lock: LedgerLock,
}

impl Gate {
    fn start(settings: &Arc<Settings>) -> Self {
        let lock = LedgerLock::take(&settings.ledger.path, Holder::Gate, std::time::Duration::ZERO)
            .unwrap();
        let keeper = Keeper::start(&KeeperSettings {
            ledger: settings.ledger.path.clone(),
            key: settings.ledger.key_file.clone(),
            rules: settings.ledger.person.clone(),
            if_missing: IfMissing::Create,
        })
        .unwrap();
        let clerk = Clerk::new(ClerkParts {
            keeper: keeper.clone(),
            settings: settings.clone(),
            running: Some(Running {
                since: clock::now(),
                listeners: vec!["127.0.0.1:2525".to_owned()],
                orders: crate::lists::Orders::default(),
                reload: std::sync::Weak::<Nothing>::new(),
                figures: Box::new(|| serde_json::json!({ "smarthost": "up" })),
            }),
            live: None,
        });
        let server = ControlServer::start(
            &settings.control,
            Arc::new(arc_swap::ArcSwap::from_pointee(clerk)),
        )
        .unwrap();
        Self { server: Some(server), keeper, _lock: lock }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.server.take());
        self.keeper.stop();
    }
}

fn add(address: &str) -> Request {
    Request::Add(Addition {
        kind: suppression::Kind::OptOut,
        domains: false,
        expires: None,
        basis: suppression::Basis::Express,
        addresses: vec![address.to_owned()],
        scope: suppression::Scope::All,
        source: "manual".to_owned(),
        stated: Some("2026-03-02".parse().unwrap()),
        reason: None,
        evidence: std::collections::BTreeMap::new(),
    })
}

fn judge(settings: &Arc<Settings>, address: &str) -> JudgedLine {
    let candidate = Candidate { address: address.to_owned(), envelope: None };
    let request =
        Request::Judge(JudgeQuestion { candidates: vec![candidate], ..JudgeQuestion::default() });
    let answer = Reach::find(settings, IfMissing::Create).unwrap().ask(&request, &mut |_| ());
    let lines: Vec<Vec<JudgedLine>> = serde_json::from_value(answer.unwrap()).unwrap();
    lines.into_iter().flatten().next().unwrap()
}

#[test]
fn with_a_gate_the_gate_writes_and_without_one_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mut reach = Reach::find(&settings, IfMissing::Create).unwrap();
    assert!(!reach.is_gate());
    let outcome: AddedOutcome =
        serde_json::from_value(reach.ask(&add("a@example.com"), &mut |_| ()).unwrap()).unwrap();
    assert!(outcome.addresses[0].added && !outcome.enforced);
    drop(reach);

    let gate = Gate::start(&settings);
    let mut reach = Reach::find(&settings, IfMissing::Refuse).unwrap();
    assert!(reach.is_gate());
    let outcome: AddedOutcome =
        serde_json::from_value(reach.ask(&add("b@example.com"), &mut |_| ()).unwrap()).unwrap();
    assert!(outcome.addresses[0].added && outcome.enforced);
    assert_eq!(gate.keeper.index().load().len(), 2);
    // Again is no error, and adds nothing.
    let outcome: AddedOutcome =
        serde_json::from_value(reach.ask(&add("a@example.com"), &mut |_| ()).unwrap()).unwrap();
    assert!(!outcome.addresses[0].added);
    assert_eq!(outcome.addresses[0].entry, Some(1));
}

#[test]
fn the_answers_are_the_same_with_and_without_a_gate() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    Reach::find(&settings, IfMissing::Create)
        .unwrap()
        .ask(&add("Bob+x@Example.com"), &mut |_| ())
        .unwrap();
    let all = ["bob@example.com", "eve@example.com", "postmaster", "a%b@example.com", "@"];
    let alone: Vec<_> = all.iter().map(|a| judge(&settings, a)).collect();
    let verdicts: Vec<_> = alone.iter().map(|j| j.verdict).collect();
    use VerdictWord::{Invalid, Permit, Refuse};
    assert_eq!(verdicts, [Refuse, Permit, Permit, Invalid, Invalid]);
    assert_eq!(alone[0].reason, "opted out on 2026-03-02 (list manual)");
    let _gate = Gate::start(&settings);
    let asked: Vec<_> = all.iter().map(|a| judge(&settings, a)).collect();
    assert_eq!(alone, asked);
}

#[test]
fn why_shows_the_gates_the_entries_and_the_reply() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mut reach = Reach::find(&settings, IfMissing::Create).unwrap();
    reach.ask(&add("bob@example.com"), &mut |_| ()).unwrap();
    let why = Request::Why { address: "Bob+news@example.com".to_owned(), stream: None };
    let why: WhyAnswer = serde_json::from_value(reach.ask(&why, &mut |_| ()).unwrap()).unwrap();
    assert_eq!(why.verdict, VerdictWord::Refuse);
    assert_eq!(why.person.as_deref(), Some("bob@example.com"));
    assert!(
        why.reply.starts_with("550 5.7.1 <Bob+news@example.com> opted out on 2026-03-02"),
        "{}",
        why.reply
    );
    let gates: Vec<_> = why.gates.iter().map(|g| g.gate.as_str()).collect();
    assert_eq!(gates, ["address", "opt-out"]);
    assert_eq!(why.entries.len(), 1);
    assert_eq!(why.entries[0].scope, suppression::Scope::All);
}

#[test]
fn status_tells_of_the_running_gate() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let _gate = Gate::start(&settings);
    let mut reach = Reach::find(&settings, IfMissing::Refuse).unwrap();
    let status: StatusAnswer =
        serde_json::from_value(reach.ask(&Request::Status, &mut |_| ()).unwrap()).unwrap();
    assert_eq!(status.pid, Some(std::process::id()));
    assert_eq!(status.listeners, ["127.0.0.1:2525"]);
    assert_eq!(status.gate["smarthost"], "up");
}

#[test]
fn a_bad_address_records_none_of_them_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let _gate = Gate::start(&settings);
    let Request::Add(mut addition) = add("good@example.com") else { panic!() };
    addition.addresses.push("no address".to_owned());
    let mut reach = Reach::find(&settings, IfMissing::Refuse).unwrap();
    let error = reach.ask(&Request::Add(addition), &mut |_| ()).unwrap_err();
    let AppError::Gate { message, fault } = error else { panic!("{error}") };
    assert!(
        message.contains("`no address`") && message.contains("nothing was recorded"),
        "{message}"
    );
    assert_eq!(fault, crate::Blame::Data);
    assert_eq!(judge(&settings, "good@example.com").verdict, VerdictWord::Permit);
}

#[test]
fn the_socket_is_private_survives_a_killed_gate_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    // Left over from a gate that was killed: bound, and nobody listens.
    drop(std::os::unix::net::UnixListener::bind(&settings.control).unwrap());
    let gate = Gate::start(&settings);
    let mode = std::fs::metadata(&settings.control).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(gate);
    assert!(!settings.control.exists());
    std::fs::write(&settings.control, "a file").unwrap();
    let gate = std::panic::catch_unwind(|| Gate::start(&settings));
    assert!(gate.is_err(), "a file in its place is not removed");
    assert_eq!(std::fs::read_to_string(&settings.control).unwrap(), "a file");
}

#[test]
fn a_second_gate_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let _gate = Gate::start(&settings);
    let second = LedgerLock::take(&settings.ledger.path, Holder::Gate, std::time::Duration::ZERO);
    let error = second.unwrap_err().to_string();
    assert!(error.contains("a gate (process") && error.contains("optgate.db"), "{error}");
}

#[test]
fn an_import_through_the_gate_tells_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let gate = Gate::start(&settings);
    let rows = (0..5000).fold("email\n".to_owned(), |all, n| all + &format!("u{n}@example.com\n"));
    let path = folder.path().join("list.csv");
    std::fs::write(&path, &rows).unwrap();
    let request = Request::Import(Box::new(ImportRequest {
        kind: Some(suppression::Kind::OptOut),
        path,
        name: "list".to_owned(),
        bad_rows: 10.0,
        ..ImportRequest::default()
    }));
    let mut seen = Vec::new();
    let mut reach = Reach::find(&settings, IfMissing::Refuse).unwrap();
    let outcome: ImportOutcome =
        serde_json::from_value(reach.ask(&request, &mut |at| seen.push(at)).unwrap()).unwrap();
    assert_eq!((outcome.rows, outcome.added, outcome.bad), (5000, 5000, 0));
    assert_eq!(gate.keeper.index().load().len(), 5000);
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.rows), (last.total, 5000));
    assert!(seen.is_sorted_by_key(|at| at.done));
}

#[test]
fn nonsense_on_the_socket_gets_an_answer_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let _gate = Gate::start(&settings);
    for nonsense in ["{}\n", "{\"verb\":\"fly\"}\n", "\u{0}\n", "[1,2"] {
        let mut stream = UnixStream::connect(&settings.control).unwrap();
        stream.write_all(nonsense.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.is_empty() || answer.contains("does not know"), "{answer}");
    }
    assert_eq!(judge(&settings, "a@example.com").verdict, VerdictWord::Permit);
}

/// A gate without a configuration file.
struct Nothing;

impl crate::clerk::Reload for Nothing {
    fn reload(&self) -> Result<crate::clerk::Reloaded, AppError> {
        Err(AppError::Stopped)
    }

    fn configuration(&self) -> crate::clerk::ConfigurationLine {
        unreachable!("nobody holds it")
    }
}
