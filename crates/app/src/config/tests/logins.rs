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
