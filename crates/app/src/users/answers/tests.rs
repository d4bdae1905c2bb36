use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use observe::Secret;

use super::super::edit::{Passphrase, add, remove};
use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

struct Stage {
    _folder: tempfile::TempDir,
    path: PathBuf,
    users: OwnUsers,
    runtime: tokio::runtime::Runtime,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    give(&path, "erp", "correct horse");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let users = OwnUsers::new(path.clone()).unwrap();
    Stage { _folder: folder, path, users, runtime }
}

fn give(path: &Path, user: &str, password: &str) {
    add(path, user, &Passphrase::new(password).unwrap(), true).unwrap();
}

impl Stage {
    fn ask(&self, question: AuthQuestion) -> AuthAnswer {
        self.runtime.block_on(self.users.ask(HERE, question))
    }

    fn password(&self, user: &str, password: &str) -> AuthAnswer {
        let password = Secret::new(password.as_bytes().to_vec());
        self.ask(AuthQuestion::Password { user: user.to_owned(), password })
    }

    fn keys(&self, user: &str) -> (ScramKeys, bool) {
        match self.ask(AuthQuestion::Keys { user: user.to_owned() }) {
            AuthAnswer::Keys { keys, known } => (keys, known),
            other => panic!("{other:?}"),
        }
    }

    /// Past the second in which the file is believed to be unchanged.
    fn later(&self) {
        clock::sleep(std::time::Duration::from_millis(1050));
    }
}

#[test]
fn only_the_right_password_of_a_known_user_is_right() {
    let stage = stage();
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::Verified(true));
    assert_eq!(stage.password("erp", "correct horses"), AuthAnswer::Verified(false));
    assert_eq!(stage.password("ERP", "correct horse"), AuthAnswer::Verified(false));
    assert_eq!(stage.password("shop", "correct horse"), AuthAnswer::Verified(false));
}

#[test]
fn keys_of_nobody_look_like_keys() {
    let stage = stage();
    let (real, known) = stage.keys("erp");
    assert!(known);
    let (one, known) = stage.keys("shop");
    assert!(!known);
    assert_eq!(one, stage.keys("shop").0, "the same whenever they are asked for");
    assert_ne!(one.salt, stage.keys("other").0.salt);
    assert_eq!((one.salt.len(), one.iterations), (real.salt.len(), real.iterations));
}

#[test]
fn the_same_work_is_done_for_nobody() {
    let stage = stage();
    let nobody = &stage.users.0.nobody;
    let costs = |entry: &Entry| {
        let text = entry.to_text().expose().clone();
        let costs = text.split('$').nth(3).unwrap().to_owned();
        assert!(costs.starts_with("m=19456,t=2,p=1"), "{costs}");
        costs
    };
    let file = super::super::read(&stage.path).unwrap();
    assert_eq!(costs(nobody), costs(&file.users["erp"]));
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_lets_nobody_in() {
    let stage = stage();
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::Verified(true));
    give(&stage.path, "erp", "battery staple");
    give(&stage.path, "shop", "another");
    stage.later();
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::Verified(false));
    assert_eq!(stage.password("erp", "battery staple"), AuthAnswer::Verified(true));
    assert_eq!(stage.password("shop", "another"), AuthAnswer::Verified(true));
    remove(&stage.path, "shop").unwrap();
    stage.later();
    assert_eq!(stage.password("shop", "another"), AuthAnswer::Verified(false));
    std::fs::set_permissions(&stage.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    stage.later();
    assert_eq!(stage.password("erp", "battery staple"), AuthAnswer::Unavailable);
    std::fs::set_permissions(&stage.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    stage.later();
    assert_eq!(stage.password("erp", "battery staple"), AuthAnswer::Verified(true));
    std::fs::remove_file(&stage.path).unwrap();
    stage.later();
    assert_eq!(stage.password("erp", "battery staple"), AuthAnswer::Unavailable);
}

#[test]
fn who_fails_too_often_is_not_verified_any_more() {
    let stage = stage();
    for _ in 0..5 {
        assert_eq!(stage.password("erp", "wrong"), AuthAnswer::Verified(false));
        stage.users.ended(HERE, Some("erp"), false);
    }
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::TooManyFailures);
    let keys = stage.ask(AuthQuestion::Keys { user: "erp".to_owned() });
    assert_eq!(keys, AuthAnswer::TooManyFailures, "by no mechanism");
    assert_eq!(stage.password("shop", "x"), AuthAnswer::TooManyFailures, "for no user");
}

#[test]
fn a_full_queue_turns_away() {
    let stage = stage();
    let places: Vec<_> =
        (0..stage.users.0.asked_max).map(|_| Place::take(&stage.users.0).unwrap()).collect();
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::Unavailable);
    drop(places);
    assert_eq!(stage.password("erp", "correct horse"), AuthAnswer::Verified(true));
    assert_eq!(stage.users.0.asked.load(Ordering::Relaxed), 0, "every place was given back");
}

#[test]
fn a_login_by_scram_from_end_to_end() {
    use smtp_session::sasl::{Acceptor, Credentials, Initiator, Mechanism, Response, Turn};
    let stage = stage();
    let login = |user: &str, password: &str| {
        let credentials = Credentials::Password {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
        };
        let offered = ["SCRAM-SHA-256".to_owned()];
        let mut client = Initiator::choose(&offered, None, credentials, "c".into()).unwrap();
        let mut server = Acceptor::new(Mechanism::ScramSha256, "s".into()).unwrap();
        let mut turn = server.start(client.initial().as_ref().map(|i| i.expose().as_slice()));
        loop {
            turn = match turn {
                Turn::Keys { user } => {
                    let (keys, known) = stage.keys(&user);
                    server.keys(keys, known)
                }
                Turn::Challenge(challenge) => match client.respond(&challenge) {
                    Response::Send(bytes) => server.respond(bytes.expose()),
                    Response::Derive(work) => match client.derived(&work.run()) {
                        Response::Send(bytes) => server.respond(bytes.expose()),
                        other => panic!("{other:?}"),
                    },
                    Response::Cancel(why) => panic!("{why}"),
                },
                other => return other,
            };
        }
    };
    assert_eq!(login("erp", "correct horse"), Turn::Accepted { user: "erp".into() });
    assert_eq!(login("erp", "wrong"), Turn::Rejected { user: "erp".into() });
    assert_eq!(login("nobody", "correct horse"), Turn::Rejected { user: "nobody".into() });
}
