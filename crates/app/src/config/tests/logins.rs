//! How clients log in, and who the users are.

use std::os::unix::fs::PermissionsExt;

use proxy::ClientMode;
use relay::{AuthOffer, SmarthostId};
use smtp_session::sasl::Mechanism;

use super::*;

const HERE: &str = "[[listener]]\naddress = \"127.0.0.1:587\"\n";

#[track_caller]
fn offer(text: &str) -> AuthOffer {
    let loaded = loaded(&format!("{SMARTHOST}{HERE}{text}"));
    loaded.settings.unwrap().listeners.remove(0).auth
}

fn told(text: &str) -> String {
    let told: Vec<_> = faults(&format!("{HERE}{text}"))
        .into_iter()
        .map(|fault| format!("{} | {}", fault.message, fault.help.join(" ")))
        .collect();
    told.join("\n")
}

#[test]
fn nobody_logs_in_unless_it_is_said() {
    assert_eq!(offer(""), AuthOffer::Off);
    let all = vec![Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login];
    let users =
        |mechanisms, plaintext_without_tls| AuthOffer::Users { mechanisms, plaintext_without_tls };
    assert_eq!(offer("auth = \"users\"\n"), users(all, false));
    assert_eq!(
        offer("auth = \"users\"\nmechanisms = [\"login\", \"PLAIN\"]\nauth_without_tls = true\n"),
        users(vec![Mechanism::Plain, Mechanism::Login], true)
    );
    assert_eq!(offer("auth = \"smarthost\"\n"), AuthOffer::Smarthost { without_tls: false });
}

#[test]
fn what_cannot_be_meant_is_told() {
    for (text, what) in [
        ("auth = \"yes\"\n", "whom clients log in to"),
        ("auth = \"users\"\nmechanisms = [\"CRAM-MD5\"]\n", "no user can log in by"),
        ("auth = \"users\"\nmechanisms = [\"XOAUTH2\"]\n", "no user can log in by"),
        ("auth = \"users\"\nmechanisms = []\n", "empty"),
        ("auth = \"users\"\nmechanisms = [\"PLAIN\"]\n", "these mechanisms need TLS"),
        ("mechanisms = [\"PLAIN\"]\n", "has no meaning without auth"),
        ("auth = \"smarthost\"\nmechanisms = [\"PLAIN\"]\n", "has no meaning without auth"),
        ("auth_without_tls = true\n", "has no meaning without auth"),
        ("allow = [\"login\"]\n", "`auth` is missing"),
        ("allow = [\"10.0.0.0/8 + login\"]\n", "`auth` is missing"),
    ] {
        let told = told(text);
        assert!(told.contains(what), "{text}: {told}");
    }
    assert!(told("allow = [\"login\"]\nauth = \"smarthost\"\n").is_empty());
    assert_eq!(told("allow = [\"login\"]\nxclient = [\"10.0.0.6\"]\n"), "");
    let behind_proxy = told("allow = [\"login\"]\nproxy_protocol = [\"10.0.0.5\"]\n");
    assert!(behind_proxy.contains("`auth` is missing"), "{behind_proxy}");
}

#[test]
fn the_file_of_users_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    let text = format!("auth = \"users\"\n[users]\nfile = \"{}\"\n", path.display());
    assert!(told(&text).contains("optgate user add NAME"), "{}", told(&text));
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(told(&text).contains("chmod 600"), "{}", told(&text));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(told(&text).contains("there is no user who could log in"), "{}", told(&text));
    let password = crate::users::Passphrase::new("correct horse").unwrap();
    crate::users::add(&path, "erp", &password, false).unwrap();
    assert_eq!(told(&text), "");
    // A listener without logins does not need it.
    assert_eq!(told("[users]\nfile = \"/nowhere/users\"\n"), "");
}

#[test]
fn passwords_in_clear_beyond_this_machine_are_warned_of() {
    let text = "[[listener]]\naddress = \"0.0.0.0:587\"\nallow = [\"login\"]\nauth = \"smarthost\"\nauth_without_tls = true\n";
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("readable"), "{found:#?}");
}

#[test]
fn logins_are_passed_to_one_smarthost_and_all_mail_follows_them() {
    let two = "[[smarthost]]\nname = \"main\"\naddress = \"a.example:587\"\ntls = \"off\"\n\
               [[smarthost]]\nname = \"bulk\"\naddress = \"b.example:587\"\n\
               [[stream]]\nname = \"news\"\nsmarthost = [\"main\"]\n";
    let passed = "[[listener]]\naddress = \"127.0.0.1:587\"\nauth = \"smarthost\"\n";
    let plain = "[[listener]]\naddress = \"127.0.0.1:25\"\n";
    let settings = loaded(&format!("{two}{passed}smarthost = \"BULK\"\n{plain}")).settings.unwrap();
    let [submission, other] = &settings.listeners[..] else { panic!("two listeners") };
    assert_eq!(submission.routes.reach, [SmarthostId(1)]);
    assert!(submission.routes.by_stream.is_empty());
    let route = usize::from(submission.routes.otherwise.0);
    assert_eq!(settings.routes.candidates[route], [SmarthostId(1)]);
    assert_eq!(other.routes, settings.routes.routes);
    assert!(!other.routes.by_stream.is_empty() && other.routes.reach.is_empty());
    assert_eq!(settings.smarthosts[1].tls.mode, ClientMode::Required, "passwords go there");

    let only = loaded(&format!("{SMARTHOST}{passed}")).settings.unwrap();
    assert_eq!(only.listeners[0].routes.reach, [SmarthostId(0)]);
    assert_eq!(only.smarthosts[0].tls.mode, ClientMode::Required);
    let free = loaded(&format!("{SMARTHOST}{plain}")).settings.unwrap();
    assert!(free.listeners[0].routes.reach.is_empty());
    assert_ne!(free.smarthosts[0].tls.mode, ClientMode::Required);

    let told = |text: &str| {
        let lines = loaded(&format!("{two}{text}")).report.lines();
        let told =
            lines.into_iter().map(|line| format!("{} | {}", line.message, line.help.join(" ")));
        told.collect::<Vec<_>>().join("\n")
    };
    let open = told(passed);
    assert!(open.contains("which of the smarthosts") && open.contains("\"main\", or \"bulk\""));
    assert!(told(&format!("{passed}smarthost = \"bulc\"\n")).contains("no [[smarthost]] is named"));
    assert!(told(&format!("{plain}smarthost = \"bulk\"\n")).contains("has no meaning without"));
    let shown = told(&format!("{passed}smarthost = \"main\"\n"));
    assert!(shown.contains("the login is shown to whoever answers"), "{shown}");
}

/// What is told of a smarthost with these lines.
fn of_smarthost(folder: &Path, text: &str) -> String {
    let text = format!("[smarthost]\naddress = \"relay.example:587\"\n{text}");
    let report = load_text(&folder.join("optgate.toml"), &text, &around()).report;
    let told =
        report.lines().into_iter().map(|one| format!("{} | {}", one.message, one.help.join(" ")));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn half_a_login_at_a_smarthost_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let secret = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    secret("good", "hunter2\n", 0o600);
    secret("open", "hunter2\n", 0o644);
    secret("empty", "\n", 0o600);
    let url = "login = \"u\"\ntoken_url = \"https://t.example/t\"\n";
    for (text, what) in [
        ("login = \"u\"\n", "without a password or a token"),
        ("password_file = \"good\"\n", "`login` is missing"),
        ("mechanism = \"PLAIN\"\n", "`login` is missing"),
        ("token_command = [\"echo\", \"x\"]\n", "`login` is missing"),
        ("login = \"\"\npassword_file = \"good\"\n", "is not a user"),
        ("login = \"u\"\npassword_file = \"none\"\n", "No such file"),
        ("login = \"u\"\npassword_file = \"empty\"\n", "the password is empty"),
        ("login = \"u\"\npassword_file = \"open\"\n", "others can read"),
        ("login = \"u\"\npassword_env = \"OPTGATE_NOT_SET\"\n", "is not set"),
        ("login = \"u\"\npassword_file = \"good\"\npassword_env = \"X\"\n", "not in both"),
        ("login = \"u\"\npassword = \"hunter2\"\n", "password_file or password_env"),
        ("login = \"u\"\npassword_file = \"good\"\ntoken_file = \"good\"\n", "one way to prove"),
        ("login = \"u\"\npassword_file = \"good\"\nmechanism = \"CRAM-MD5\"\n", "cannot log in by"),
        ("login = \"u\"\npassword_file = \"good\"\nmechanism = \"XOAUTH2\"\n", "takes a token"),
        ("login = \"u\"\ntoken_file = \"good\"\nmechanism = \"PLAIN\"\n", "takes a password"),
        ("login = \"u\"\ntoken_command = [\"/nowhere/x\"]\n", "is not there"),
        ("login = \"u\"\ntoken_file = \"good\"\ntoken_scope = \"x\"\n", "without token_url"),
        (&format!("{url}client_secret_file = \"good\"\n"), "`client_id` is missing"),
        (&format!("{url}client_id = \"x\"\n"), "the secret of the client"),
        ("login = \"u\"\ntoken_url = \"http://t.example/t\"\n", "it begins with https://"),
        (
            "login = \"u\"\ntoken_url = \"https://a:hunter2@t.example/t\"\n",
            "does not stand in a URL",
        ),
        ("tls = \"off\"\nlogin = \"u\"\npassword_file = \"good\"\n", "shown to whoever answers"),
        (
            "tls = \"opportunistic\"\nlogin = \"u\"\npassword_file = \"good\"\n",
            "shown to whoever answers",
        ),
    ] {
        let told = of_smarthost(folder, text);
        assert!(told.contains(what) && !told.contains("hunter2"), "{text}: {told}");
    }
    for text in [
        "login = \"u\"\npassword_file = \"good\"\n".to_owned(),
        "login = \"u\"\ntoken_file = \"good\"\nmechanism = \"xoauth2\"\n".to_owned(),
        format!("{url}client_id = \"x\"\nclient_secret_file = \"good\"\ntoken_scope = \"y\"\n"),
        "login = \"u\"\ntoken_url = \"http://127.0.0.1:1/t\"\nclient_id = \"x\"\nclient_secret_file = \"good\"\n".to_owned(),
    ] {
        assert_eq!(of_smarthost(folder, &text), "", "{text}");
    }
}

#[test]
fn a_login_makes_verified_tls_the_default_and_only_off_shows_it_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p");
    std::fs::write(&file, "hunter2\n").unwrap();
    let of = |text: &str| {
        let text = format!(
            "[smarthost]\naddress = \"relay.example:587\"\nlogin = \"u\"\npassword_file = \"p\"\n{text}"
        );
        let loaded = load_text(&folder.path().join("optgate.toml"), &text, &around());
        let host = loaded.settings.unwrap().smarthosts.remove(0);
        (host.tls.mode, host.login.unwrap().without_tls)
    };
    assert_eq!(of(""), (ClientMode::Required, false));
    assert_eq!(of("tls = \"off\"\n"), (ClientMode::Off, true));
    let opportunistic = ClientMode::Opportunistic { fall_back: false };
    assert_eq!(of("tls = \"opportunistic\"\n"), (opportunistic, false));
}
