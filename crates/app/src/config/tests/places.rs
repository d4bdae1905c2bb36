//! `[[source]]`: where a list is, how it is used, and which keys go together.

use std::path::PathBuf;
use std::time::Duration;

use sources::{Access, Column, Engine, Format, Password, Question, Tls};
use suppression::{HashAlgorithm, Kind, Normalise, Scope};

use super::*;

fn source(keys: &str) -> String {
    format!("[[source]]\nname = \"s\"\n{keys}")
}

/// The settings of the one source of a file without a fault, apart from what is not there.
#[track_caller]
fn settings(keys: &str) -> SourceSettings {
    let loaded = loaded(&format!("{SMARTHOST}{}", source(keys)));
    assert!(!loaded.report.is_fatal(), "{}", loaded.report.render(false));
    loaded.settings.unwrap().sources.remove(0)
}

#[track_caller]
fn database(keys: &str) -> (Access, Question, SourceSettings) {
    let settings = settings(keys);
    let Place::Database(access, question) = settings.place.clone() else { panic!("{settings:?}") };
    (access, question, settings)
}

#[track_caller]
fn sync(settings: &SourceSettings) -> &SyncSettings {
    let Mode::Sync(sync) = &settings.mode else { panic!("{settings:?}") };
    sync
}

/// Exactly one fault worse than a warning, in the third line of the source, with these words and
/// this help.
#[track_caller]
fn wrong(keys: &str, line: usize, words: &str, help: &str) {
    let found = faults(&source(keys));
    let found: Vec<_> = found.iter().filter(|f| f.severity == Severity::Error).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].line, Some(line), "{found:#?}");
    assert!(found[0].message.contains(words), "{found:#?}");
    assert!(found[0].help.iter().any(|h| h.contains(help)), "{found:#?}");
}

#[test]
fn a_file_looked_at_less_often_than_it_may_be_old_is_warned_of() {
    let told = |keys: &str| {
        let found = faults(&source(&format!("csv = \"a.csv\"\n{keys}")));
        found.iter().any(|fault| fault.message.contains("older than its max_age"))
    };
    assert!(told("every = \"1h\"\nmax_age = \"10m\"\n"));
    assert!(!told("every = \"1h\"\nmax_age = \"10h\"\n") && !told("max_age = \"10m\"\n"));
}

const PG: &str = "postgres = \"postgres://db.corp.example/crm\"\nquery = \"SELECT email FROM o\"\n";
const LIVE: &str = "postgres = \"postgres://db.corp.example/crm\"\nquery = \"SELECT 1 FROM o WHERE email = @recipient\"\nmode = \"live\"\n";

#[test]
fn every_word_for_a_file_is_its_format() {
    for (keys, format) in [
        ("csv = \"a\"\n", "Csv"),
        ("xml = \"a\"\nrecord = \"/a/b\"\n", "Xml"),
        ("json = \"a\"\nrecords = \"data.rows\"\nemail = \"mail\"\n", "Json"),
        ("text = \"a\"\n", "Csv"),
        ("xlsx = \"a\"\nsheet = \"Out\"\nheader = true\n", "Xlsx"),
        ("access_map = \"a\"\n", "AccessMap"),
        ("file = \"a\"\ndelimiter = \";\"\n", "Detect"),
    ] {
        let found = settings(keys);
        assert!(format!("{:?}", found.spec.format).starts_with(format), "{found:?}");
        assert!(matches!(&found.place, Place::Files(path) if path.ends_with("a")), "{found:?}");
        assert_eq!(sync(&found).every, Duration::from_secs(2));
        assert_eq!(found.spec.kind, None);
    }
    let Format::Csv(text) = settings("text = \"a\"\n").spec.format else { panic!() };
    assert_eq!(text.delimiter, "none".parse().ok());
    let Format::Json(json) = settings("json = \"a\"\nrecords = \"x.y\"\n").spec.format else {
        panic!()
    };
    assert_eq!(json.records.as_deref(), Some("x.y"));
}

#[test]
fn columns_are_those_that_are_named() {
    let keys = "email = 2\ndate = \"d\"\nreason = \"r\"\nkind_column = \"k\"\nscope_column = \"s\"\nuntil = \"u\"\n";
    let name = |text: &str| Some(Column::Name(text.to_owned()));
    let columns = sources::Columns {
        email: Some(Column::Number(2)),
        date: name("d"),
        reason: name("r"),
        kind: name("k"),
        scope: name("s"),
        until: name("u"),
    };
    for place in ["csv = \"a\"\n", "xlsx = \"a\"\n", "file = \"a\"\n", PG] {
        let found = match settings(&format!("{place}{keys}")).spec.format {
            Format::Csv(csv) | Format::Detect(csv) => csv.columns,
            Format::Xlsx(xlsx) => xlsx.columns,
            Format::Table(columns) => columns,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, columns, "{place}");
    }
    wrong("json = \"a\"\ndate = 2\n", 4, "no column number 2", "its name");
    let xml =
        settings(&format!("xml = \"a\"\nrecord = \"/a\"\n{}", keys.replace("= 2", "= \"m\"")));
    assert!(xml.has_kinds() && xml.carries == [Scope::All]);
}

#[test]
fn folders_and_patterns_are_places_and_what_is_missing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lists")).unwrap();
    let faults = |keys: &str| {
        let text = format!("{SMARTHOST}{}", source(keys));
        load_text(&folder.path().join("x.toml"), &text, &around()).report
    };
    for place in ["lists", "lists/", "lists/*.csv", "lists/[a-z]?.csv"] {
        let report = faults(&format!("csv = \"{place}\"\n"));
        assert!(report.is_clean(), "{}", report.render(false));
    }
    for place in ["gone", "gone/*.csv", "lists/a.csv"] {
        let report = faults(&format!("csv = \"{place}\"\n"));
        assert!(!report.is_fatal() && !report.is_clean(), "{place}");
        assert!(report.lines()[0].message.contains("is not there"), "{:?}", report.lines());
    }
    let report = faults("sqlite = \"lists\"\nquery = \"SELECT 1\"\n");
    assert!(report.lines()[0].message.contains("is a folder, not a file"));
}

#[test]
fn a_url_is_fetched_with_its_login() {
    let found = settings(
        "csv = \"https://me@crm.corp.example/o?k=1\"\npassword_file = \"pw\"\ntimeout = \"7s\"\nevery = \"1h\"\n",
    );
    let Place::Url { url, user, password, tls, timeout } = &found.place else { panic!() };
    assert_eq!(url, "https://crm.corp.example/o?k=1");
    assert_eq!(user.as_deref(), Some("me"));
    assert!(matches!(password, Some(Password::File(path)) if path.ends_with("pw")));
    assert_eq!((tls, *timeout), (&Tls::Verified { ca: None }, Duration::from_secs(7)));
    assert_eq!(sync(&found).every, Duration::from_secs(3600));
    let found = settings("json = \"https://crm.corp.example/o\"\ntoken_env = \"PATH\"\n");
    let Place::Url { user, password, .. } = &found.place else { panic!() };
    assert_eq!((user, password), (&None, &Some(Password::Environment("PATH".to_owned()))));
    assert_eq!(sync(&found).every, Duration::from_secs(300));
    let plain = settings("csv = \"http://127.0.0.1:8080/o\"\n");
    assert!(matches!(plain.place, Place::Url { tls: Tls::Off, .. }));
}

#[test]
fn every_word_for_a_database_is_its_engine() {
    let query = "query = \"SELECT 1\"\n";
    for (word, url, engine) in [
        ("postgres", "postgres://db.corp.example/crm", Engine::Postgres),
        ("mysql", "mysql://db.corp.example/crm", Engine::MySql),
        ("sqlserver", "sqlserver://db.corp.example/crm", Engine::SqlServer),
    ] {
        let (access, question, found) = database(&format!("{word} = \"{url}\"\n{query}"));
        assert_eq!((access.engine, access.url.as_str()), (engine, url));
        assert_eq!(access.tls, Tls::Verified { ca: None });
        assert_eq!(access.timeout, Duration::from_secs(30));
        assert_eq!(question, Question::Sql("SELECT 1".to_owned()));
        assert!(matches!(found.spec.format, Format::Table(_)));
        assert_eq!(sync(&found).every, Duration::from_secs(300));
    }
    let (access, _, _) = database(&format!("sqlite = \"crm.db\"\n{query}"));
    assert_eq!((access.engine, &access.tls), (Engine::Sqlite, &Tls::Off));
    assert!(access.url.ends_with("crm.db") && PathBuf::from(access.url).is_absolute());
    let (access, question, _) = database(
        "ldap = \"ldap://dc1.corp.example\"\nbase = \"dc=x\"\nfilter = \"(o=1)\"\nuser = \"cn=r\"\npassword_env = \"PATH\"\n",
    );
    assert_eq!((access.engine, access.user.as_deref()), (Engine::Ldap, Some("cn=r")));
    let attributes = vec!["mail".to_owned()];
    let (base, filter) = ("dc=x".to_owned(), "(o=1)".to_owned());
    assert_eq!(question, Question::Ldap { base, filter, attributes });
    let (_, _, found) = database(
        "ldap = \"ldap://dc1\"\nbase = \"dc=x\"\nfilter = \"(o=1)\"\nwatermark = \"uSNChanged\"\n",
    );
    assert_eq!(sync(&found).watermark.as_deref(), Some("uSNChanged"));
    let Format::Table(columns) = &found.spec.format else { panic!("not a table") };
    assert_eq!(columns.email, Some(Column::Number(1)));
    let instance = "sqlserver://db.corp.example/crm?instance=EXPRESS";
    let (access, _, _) = database(&format!("sqlserver = \"{instance}\"\n{query}"));
    assert_eq!(access.url, instance);
    let (access, question, _) =
        database("redis = \"valkey://localhost/0\"\nkey = \"optouts\"\npassword_env = \"PATH\"\n");
    assert_eq!((access.url.as_str(), &access.tls), ("redis://localhost/0", &Tls::Off));
    assert_eq!(question, Question::Redis { key: "optouts".to_owned() });
}

#[test]
fn a_connection_is_verified_but_on_the_way_to_oneself() {
    let tls = |keys: &str| database(&format!("{keys}query = \"SELECT 1\"\n")).0.tls;
    for host in ["localhost", "127.0.0.1:5433", "[::1]", ""] {
        assert_eq!(tls(&format!("postgres = \"postgres://{host}/crm\"\n")), Tls::Off, "{host}");
    }
    for host in ["db", "10.0.0.7", "localhost.corp.example"] {
        let found = tls(&format!("postgres = \"postgres://{host}/crm\"\n"));
        assert_eq!(found, Tls::Verified { ca: None }, "{host}");
    }
    let db = "mysql = \"mysql://db/crm\"\n";
    assert_eq!(tls(&format!("{db}tls = \"unverified\"\n")), Tls::Unverified);
    assert_eq!(tls(&format!("{db}tls = \"off\"\n")), Tls::Off);
    let found = tls(&format!("{db}ca = \"ca.pem\"\n"));
    assert!(matches!(found, Tls::Verified { ca: Some(ca) } if ca.ends_with("ca.pem")));
    let near = "mysql = \"mysql://127.0.0.1/crm\"\ntls = \"verify\"\n";
    assert_eq!(tls(near), Tls::Verified { ca: None });
}

#[test]
fn how_a_list_is_kept_in_step() {
    let found = settings(&format!(
        "{PG}every = \"1m\"\nwatermark = \"at\"\nfull_every = \"6h\"\noverlap = \"5m\"\nnotify = \"optouts\"\nmirror = true\n"
    ));
    let sync = sync(&found);
    assert_eq!(sync.every, Duration::from_secs(60));
    assert_eq!(sync.watermark.as_deref(), Some("at"));
    assert_eq!(sync.full_every, Duration::from_secs(6 * 3600));
    assert_eq!(sync.overlap, Duration::from_secs(300));
    assert_eq!(sync.notify.as_deref(), Some("optouts"));
    assert!(found.mirror && !settings(PG).mirror);
}

#[test]
fn how_a_database_is_asked() {
    let (access, _, found) = database(LIVE);
    let Mode::Live(live) = &found.mode else { panic!() };
    assert_eq!(live.timeout, Duration::from_secs(2));
    assert_eq!((live.cache, live.connections), (Duration::from_secs(5), 4));
    assert_eq!(access.timeout, live.timeout);
    let more = "cache = \"never\"\nconnections = 9\ntimeout = \"500ms\"\n";
    let (_, _, found) = database(&format!("{LIVE}{more}"));
    let Mode::Live(live) = &found.mode else { panic!() };
    assert_eq!((live.cache, live.connections), (Duration::ZERO, 9));
    assert_eq!(live.timeout, Duration::from_millis(500));
    for (place, own) in [
        ("postgres = \"postgres://db/x\"", "$1"),
        ("mysql = \"mysql://db/x\"", "?"),
        ("sqlite = \"x.db\"", "?"),
        ("sqlserver = \"sqlserver://db/x\"", "@P1"),
    ] {
        database(&format!("{place}\nmode = \"live\"\nquery = \"SELECT 1 WHERE a = {own}\"\n"));
        let keys = format!("{place}\nmode = \"live\"\nquery = \"SELECT 1\"\n");
        wrong(&keys, 5, "not about the recipient", own);
    }
}

#[test]
fn a_source_is_in_one_place() {
    let both = "csv = \"a.csv\"\nsqlite = \"a.db\"\nquery = \"SELECT 1\"\n";
    wrong(both, 4, "in one place", "two [[source]] sections");
    let shown = loaded(&format!("{SMARTHOST}{}", source(both))).report.render(false);
    assert!(shown.contains("and this is another"), "{shown}");
    wrong("", 1, "has no list", "access_map, file; or postgres");
    wrong("csv = \"ftp://x.example/a.csv\"\n", 3, "not fetched by ftp://", "https://");
    wrong(
        "mysql = \"postgres://db/x\"\nquery = \"SELECT 1\"\n",
        3,
        "is not how",
        "mysql:// or mariadb://",
    );
    wrong(
        "mysql = \"mysql:///x\"\nquery = \"SELECT 1\"\n",
        3,
        "names no server",
        "db.corp.example",
    );
    wrong("mysql = \"crm\"\nquery = \"SELECT 1\"\n", 3, "not the URL of a database", "postgres://");
}

#[test]
fn what_is_missing_is_told_with_an_example() {
    wrong("sqlite = \"a.db\"\n", 1, "`query` is missing for SQLite", "SELECT email");
    wrong("sqlite = \"a.db\"\nmode = \"live\"\n", 1, "`query` is missing", "@recipient");
    wrong("redis = \"rediss://r\"\n", 1, "`key` is missing for Redis", "optouts");
    let ldap = "ldap = \"ldap://d\"\n";
    wrong(&format!("{ldap}base = \"b\"\n"), 1, "`filter` is missing for LDAP", "mailOptOut");
    wrong(&format!("{ldap}filter = \"(a=b)\"\n"), 1, "`base` is missing for LDAP", "dc=corp");
    let live = format!("{ldap}base = \"b\"\nfilter = \"(a=b)\"\nmode = \"live\"\n");
    wrong(&live, 5, "not about the recipient", "@recipient");
}

#[test]
fn keys_of_another_place_are_told_what_they_are_for() {
    for (keys, line, key, help) in [
        ("csv = \"a\"\nquery = \"SELECT 1\"\n", 4, "query", "sqlite"),
        ("csv = \"a\"\nkey = \"k\"\n", 4, "key", "redis"),
        ("csv = \"a\"\nbase = \"k\"\n", 4, "base", "ldap"),
        ("csv = \"a\"\nfilter = \"k\"\n", 4, "filter", "ldap"),
        ("csv = \"a\"\nattributes = [\"k\"]\n", 4, "attributes", "ldap"),
        ("csv = \"a\"\nuser = \"u\"\n", 4, "user", "URLs"),
        ("csv = \"a\"\npassword_env = \"PATH\"\n", 4, "password_env", "URLs"),
        ("csv = \"a\"\ntoken_env = \"PATH\"\n", 4, "token_env", "URLs"),
        ("csv = \"a\"\ntls = \"off\"\n", 4, "tls", "databases"),
        ("csv = \"a\"\nca = \"ca\"\n", 4, "ca", "databases"),
        ("csv = \"a\"\ntimeout = \"1s\"\n", 4, "timeout", "databases"),
        ("csv = \"a\"\nwatermark = \"w\"\n", 4, "watermark", "postgres, mysql"),
        ("csv = \"a\"\nnotify = \"n\"\n", 4, "notify", "postgres, which can tell"),
        ("csv = \"a\"\nrecord = \"/a\"\n", 4, "record", "xml"),
        ("csv = \"a\"\nrecords = \"a\"\n", 4, "records", "json"),
        ("csv = \"a\"\nsheet = \"a\"\n", 4, "sheet", "xlsx"),
        ("text = \"a\"\nemail = 1\n", 4, "email", "columns"),
        ("text = \"a\"\ndelimiter = \";\"\n", 4, "delimiter", "csv"),
        ("xlsx = \"a\"\nencoding = \"utf-8\"\n", 4, "encoding", "text files"),
        ("json = \"a\"\nheader = true\n", 4, "header", "csv and xlsx"),
        ("access_map = \"a\"\ndate = 1\n", 4, "date", "columns"),
        ("access_map = \"a\"\nkind_column = 1\n", 4, "kind_column", "columns"),
        ("text = \"a\"\nscope_column = 1\n", 4, "scope_column", "columns"),
        ("text = \"a\"\nuntil = 1\n", 4, "until", "columns"),
        ("access_map = \"a\"\nhashed = \"md5\"\n", 4, "hashed", "digests"),
        ("redis = \"rediss://r\"\nkey = \"k\"\nreason = \"s\"\n", 5, "reason", "columns"),
        ("sqlite = \"a\"\nquery = \"q\"\ntls = \"off\"\n", 5, "tls", "databases on a server"),
        ("sqlite = \"a\"\nquery = \"q\"\nnotify = \"n\"\n", 5, "notify", "postgres"),
        ("sqlite = \"a\"\nquery = \"q\"\ntoken_env = \"PATH\"\n", 5, "token_env", "URLs"),
        ("redis = \"rediss://r\"\nkey = \"k\"\nwatermark = \"w\"\n", 5, "watermark", "postgres"),
    ] {
        wrong(keys, line, &format!("`{key}` has no meaning for "), help);
    }
}

#[test]
fn keys_of_the_other_mode_are_told() {
    for key in ["csv = \"a\"\n", "csv = \"https://x.example/a\"\n"] {
        wrong(&format!("{key}mode = \"live\"\n"), 4, "only a database can be asked live", "every");
    }
    for key in [
        "every = \"1m\"",
        "watermark = \"w\"",
        "notify = \"n\"",
        "mirror = true",
        "max_age = \"1d\"",
        "shrink_limit = \"1%\"",
        "bad_rows = \"1%\"",
        "allow_empty = true",
        "allow_subscribed = true",
        "hashed = \"md5\"",
        "full_every = \"1h\"",
        "overlap = \"1h\"",
    ] {
        let word = key.split(' ').next().unwrap();
        let message = format!("`{word}` has no meaning for mode \"live\"");
        // Left out, digests would be compared with addresses.
        let help = if word == "hashed" { "let the query hash, as in" } else { "leave it out" };
        wrong(&format!("{LIVE}{key}\n"), 6, &message, help);
    }
    for key in ["cache = \"1s\"", "connections = 2"] {
        let word = key.split(' ').next().unwrap();
        let message = format!("`{word}` has no meaning for mode \"sync\"");
        wrong(&format!("{PG}{key}\n"), 5, &message, "mode = \"live\"");
    }
    let recipient = "sqlite = \"a\"\nquery = \"SELECT @recipient\"\n";
    wrong(recipient, 4, "@recipient is for mode \"live\"", "ask for all rows");
    for key in ["full_every = \"1h\"", "overlap = \"1m\""] {
        wrong(&format!("{PG}{key}\n"), 5, "without a watermark", "watermark = ");
    }
    let end = "sqlite = \"a\"\nquery = \"SELECT 1;\"\nwatermark = \"w\"\n";
    wrong(end, 4, "stands inside of another one", "leave out the ;");
    wrong(&format!("{PG}every = \"10ms\"\n"), 5, "too often", "1s");
}

#[test]
fn a_login_is_said_once() {
    let two = "password_file = \"/dev/null\"\npassword_env = \"PATH\"\n";
    wrong(&format!("{PG}user = \"u\"\n{two}"), 7, "not in both", "leave one");
    wrong(&format!("{PG}password_env = \"PATH\"\n"), 5, "`user` is missing", "user = ");
    let url = "postgres = \"postgres://me@db/x\"\nquery = \"SELECT 1\"\nuser = \"me\"\n";
    wrong(url, 5, "names a user already", "one of them");
    let web = "csv = \"https://x.example/a\"\ntoken_env = \"PATH\"\n";
    wrong(&format!("{web}user = \"u\"\n"), 4, "a token or a name", "leave out");
    let tls = "ldap = \"ldaps://d\"\nbase = \"b\"\nfilter = \"(a=b)\"\ntls = \"off\"\n";
    wrong(tls, 6, "ldaps:// is encrypted", "ldap://");
    wrong("csv = \"http://x.example/a\"\ntls = \"verify\"\n", 4, "not encrypted", "https://");
    let ca = format!("{PG}tls = \"off\"\nca = \"/dev/null\"\n");
    wrong(&ca, 6, "no certificate is verified", "leave ca out");
    wrong(&format!("{PG}user = \"u\"\npassword_env = \"my password!\"\n"), 6, "environment", "CRM");
}

#[test]
fn a_password_that_is_not_there_fails_the_check_but_not_the_start() {
    for key in
        ["password_file = \"/gone\"", "password_file = \"/dev/null\"", "password_env = \"GONE_1\""]
    {
        let text = format!("{SMARTHOST}{}", source(&format!("{PG}user = \"u\"\n{key}\n")));
        let report = loaded(&text).report;
        assert!(!report.is_fatal() && !report.is_clean(), "{key}");
        assert_eq!(report.lines()[0].line, Some(8), "{:?}", report.lines());
    }
}

#[test]
fn no_secret_is_shown() {
    for keys in [
        "postgres = \"postgres://u:hunter2@db/crm\"\nquery = \"SELECT 1\"\n",
        "postgres = \"postgres://u:hunter2/@db/crm\"\nquery = \"SELECT 1\"\n",
        "postgres = \"postgres://u:hun\\u0074er2@db/crm\"\nquery = \"SELECT 1\"\n",
        "mysql = \"postgres://db/crm?password=hunter2\"\nquery = \"SELECT 1\"\n",
        "sqlserver = \"Server=db;User=u;Password=hunter2\"\nquery = \"SELECT 1\"\n",
        "csv = \"https://u:hunter2@x.example/a\"\n",
        "csv = \"https://x.example/a?key=hunter2\"\n",
        "csv = \"https://u:hunter2@x.example/a\" # hunter\nemal = 1\n",
        "csv = \"a\"\npassword = \"hunter2\"\n",
        "csv = \"a\"\nsalt = \"hunter2\"\n",
        "csv = \"a\"\ntoken_env = \"hunter2 \"\n",
    ] {
        let loaded = loaded(&format!("{SMARTHOST}{}", source(keys)));
        let shown = format!(
            "{}{}{:?}",
            loaded.report.render(false),
            show_toml(&loaded.values, false),
            loaded.report.lines()
        );
        assert!(!shown.contains("hunter2") && !shown.contains("er2"), "{shown}");
    }
    let url = "postgres = \"postgres://u:hunter2@db/crm\"\nquery = \"SELECT 1\"\n";
    wrong(url, 3, "a password does not stand in a URL", "password_file");
    wrong("csv = \"a\"\npassword = \"x\"\n", 4, "unknown key `password`", "password_file");
}

#[test]
fn a_list_of_digests_says_how_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("salt"), "pepper\nrest").unwrap();
    let read = |keys: &str| {
        let text = format!("{SMARTHOST}{}", source(&format!("text = \"salt\"\n{keys}")));
        load_text(&folder.path().join("x.toml"), &text, &around())
    };
    let form = |keys: &str| {
        let loaded = read(keys);
        assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
        loaded.settings.unwrap().sources.remove(0).spec.hashed.unwrap()
    };
    let plain = form("hashed = \"md5\"\n");
    assert_eq!((plain.algorithm, plain.normalise), (HashAlgorithm::Md5, Normalise::Lower));
    assert_eq!((plain.salt.before.as_str(), plain.salt.behind.as_str()), ("", ""));
    let whole = form(
        "hashed = \"sha512\"\nnormalise = \"lower-domain\"\nsalt_file = \"salt\"\nsalt_place = \"behind\"\n",
    );
    assert_eq!(whole.algorithm, HashAlgorithm::Sha512);
    assert_eq!(whole.normalise, Normalise::LowerDomain);
    assert_eq!((whole.salt.before.as_str(), whole.salt.behind.as_str()), ("", "pepper"));
    assert_eq!(form("hashed = \"sha1\"\nsalt_file = \"salt\"\n").salt.before, "pepper");
    assert_eq!(form("hashed = \"sha256\"\nnormalise = \"as-is\"\n").normalise, Normalise::AsIs);
    // Without its salt it would be a list of nobody.
    let missing = read("hashed = \"md5\"\nsalt_file = \"gone\"\n").report;
    assert!(missing.is_fatal() && missing.lines().len() == 1, "{}", missing.render(false));
    assert!(missing.render(false).contains("salt: "), "{}", missing.render(false));
    let unset = read("hashed = \"md5\"\nsalt_env = \"OPTGATE_TEST_UNSET\"\n").report;
    let text = unset.render(false);
    assert!(text.contains("salt: the environment variable OPTGATE_TEST_UNSET"), "{text}");
    assert!(!text.contains("password"), "{text}");
    let text = "text = \"a\"\n";
    for key in ["normalise = \"lower\"", "salt_env = \"PATH\"", "salt_place = \"before\""] {
        wrong(&format!("{text}{key}\n"), 4, "for a list of addresses", "hashed = ");
    }
    let place = format!("{text}hashed = \"md5\"\nsalt_place = \"before\"\n");
    wrong(&place, 5, "without a salt", "salt_file");
    let consent = format!("{text}hashed = \"md5\"\nkind = \"consent\"\n");
    wrong(&consent, 4, "is not hashed", "exactly the address");
}

#[test]
fn a_source_says_what_it_may_carry() {
    let named = |name: &str| Scope::Named(name.to_owned());
    let carries = |keys: &str| settings(&format!("csv = \"a\"\n{keys}")).carries;
    assert_eq!(carries(""), [Scope::Commercial]);
    assert_eq!(carries("scope = \"news\"\n"), [named("news")]);
    assert_eq!(carries("scope_column = \"list\"\n"), [Scope::All]);
    let both = "scope = \"news\"\nscope_column = \"list\"\nscopes = [\"news\", \"spring\"]\n";
    assert_eq!(carries(both), [named("news"), named("spring")]);
    assert_eq!(carries("scopes = [\"all\"]\n"), [Scope::Commercial, Scope::All]);
    wrong("csv = \"a\"\nscopes = []\n", 4, "nothing would be unknown", "newsletter");
    let kind = |keys: &str| settings(&format!("csv = \"a\"\n{keys}")).spec.kind;
    assert_eq!(kind(""), None);
    assert_eq!(kind("kind = \"complaint\"\n"), Some(Kind::Complaint));
    // Where rows say it themselves, any key about a kind may be meant.
    let any = "kind_column = \"k\"\nbasis = \"purchase\"\nexpire_after = \"7d\"\n";
    assert_eq!(settings(&format!("csv = \"a\"\n{any}")).basis, suppression::Basis::Purchase);
}

/// What would go wrong only when it is asked.
#[test]
fn a_question_that_cannot_be_asked_is_told() {
    let live = "mode = \"live\"\n";
    let pg = "postgres = \"postgres://db/crm\"\n";
    let ldap = "ldap = \"ldaps://dc\"\nbase = \"dc=x\"\n";
    for (keys, line, words) in [
        (
            format!("{pg}query = \"SELECT 1 FROM o WHERE e = '@recipient'\"\n{live}"),
            4,
            "write @recipient",
        ),
        (format!("{pg}query = \"SELECT $1, @recipient\"\n{live}"), 4, "one way to write"),
        (format!("{pg}query = \"DELETE FROM o\"\n"), 4, "changes the database"),
        (format!("{pg}query = \"SELECT 'a FROM o\"\n"), 4, "never closed"),
        (format!("{ldap}filter = \"(&(a=1)(mail=*)\"\n"), 5, "no filter"),
        (format!("{ldap}filter = \"(mail=@recipient\"\n{live}"), 5, "no filter"),
    ] {
        let found = faults(&source(&keys));
        let found: Vec<_> = found.iter().filter(|f| f.severity == Severity::Error).collect();
        assert_eq!(found.len(), 1, "{keys}{found:#?}");
        assert_eq!(found[0].line, Some(line), "{found:#?}");
        assert!(found[0].message.contains(words), "{found:#?}");
    }
    for keys in [
        format!("{pg}query = \"WITH a AS (SELECT 1) SELECT * FROM a\"\n"),
        format!("{ldap}filter = \"mail=*\"\n"),
        format!("{ldap}filter = \"(mail=@recipient)\"\n{live}"),
        "mysql = \"mysql:///shop?socket=/run/m.sock\"\nquery = \"SELECT 1\"\n".to_owned(),
        "redis = \"redis://r\"\nkey = \"k\"\ntls = \"off\"\n".to_owned(),
    ] {
        settings(&keys);
    }
    wrong("redis = \"redis://r\"\nkey = \"k\"\n", 3, "not encrypted", "rediss://");
    let url = "postgres = \"postgres://db/crm?sslmode=disable\"\nquery = \"SELECT 1\"\n";
    wrong(url, 3, "`sslmode`", "tls = ");
}

#[test]
fn what_is_probably_not_meant_is_told() {
    let warned = |keys: &str| {
        let found = faults(&source(keys));
        let found = found.iter().filter(|f| f.severity == Severity::Warning);
        found.map(|f| f.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let scopes = "csv = \"a\"\nscope = \"news\"\nscopes = [\"nws\"]\n";
    assert!(warned(scopes).contains("not among its scopes"), "{}", warned(scopes));
    assert_eq!(warned(&scopes.replace("nws", "news")), "");
    let expires = format!("{PG}expire_after = \"7d\"\n");
    assert!(warned(&expires).contains("never expire"), "{}", warned(&expires));
    assert_eq!(warned(&format!("{expires}kind = \"undeliverable\"\n")), "");
}

#[test]
fn an_alert_that_nobody_would_get_is_told() {
    let found = faults(
        "[alert]\ncommand = [\"/nonexistent/page\"]\nwebhook = \"https://x.example/\"\n\
         webhook_token_file = \"/nonexistent/token\"\n",
    );
    let missing: Vec<_> = found.iter().filter(|f| f.severity == Severity::Missing).collect();
    assert_eq!(missing.len(), 2, "{found:#?}");
    assert!(missing.iter().all(|f| f.message.contains("/nonexistent/")), "{missing:#?}");
}
