//! The faults as a person meets them, and the generated texts.

use super::*;

fn around() -> Surroundings {
    Surroundings { hostname: Some("mail.example.com".to_owned()), log_level: None }
}

fn loaded(text: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    load_text(&folder.path().join("optgate.toml"), text, &around())
}

const SMARTHOST: &str = "[smarthost]\naddress = \"relay.corp.example:587\"\n";

/// The faults of `SMARTHOST` + `text`, lines counted from the first of `text`.
fn faults(text: &str) -> Vec<FaultLine> {
    let all = loaded(&format!("{SMARTHOST}{text}")).report.lines();
    all.into_iter().map(|f| FaultLine { line: f.line.map(|n| n - 2), ..f }).collect()
}

/// Exactly one fault, at line:column, with this value, these words and this help.
#[track_caller]
fn one_fault(text: &str, at: (usize, usize), value: &str, words: &str, help: &str) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    let fault = &found[0];
    assert_eq!((fault.line, fault.column), (Some(at.0), Some(at.1)), "{fault:#?}");
    assert_eq!(fault.value.as_deref(), Some(value), "{fault:#?}");
    assert!(fault.message.contains(words), "{fault:#?}");
    assert!(help.is_empty() || fault.help.iter().any(|h| h.contains(help)), "{fault:#?}");
}

#[test]
fn the_smarthost_alone_is_enough() {
    let loaded = loaded(SMARTHOST);
    assert!(loaded.report.lines().is_empty(), "{}", loaded.report.render(false));
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.hostname, "mail.example.com");
    assert_eq!(settings.own_domains, ["mail.example.com", "example.com"]);
    assert_eq!(settings.listeners.len(), 1);
    assert_eq!(settings.listeners[0].address.to_string(), "127.0.0.1:2525");
    assert_eq!(settings.listeners[0].allow.len(), 2);
    assert!(settings.control.ends_with("optgate.sock"));
}

#[test]
fn ten_lines_run_it_for_real() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("optouts.csv"), "email\nbob@example.com\n").unwrap();
    let text = "[smarthost]\naddress = \"relay.corp.example:587\"\n[[listener]]\naddress = \"0.0.0.0:25\"\nallow = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n[[source]]\nname = \"crm\"\ncsv = \"optouts.csv\"\nemail = \"Email Address\"\n";
    let loaded = load_text(&folder.path().join("optgate.toml"), text, &around());
    assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.sources[0].name, "crm");
    assert_eq!(settings.sources[0].path(), folder.path().join("optouts.csv"));
    assert_eq!(settings.listeners[0].allow.len(), 2);
}

#[test]
fn nothing_at_all_is_told_what_is_needed() {
    let report = loaded("").report;
    let shown = report.render(false);
    assert!(report.is_fatal());
    assert!(shown.contains("`address` is missing in [smarthost]"), "{shown}");
    assert!(shown.contains("address = \"relay.corp.example:587\""), "{shown}");
}

#[test]
fn a_mistyped_key_is_told_the_right_one() {
    one_fault(
        "[[listener]]\nadress = \"127.0.0.1:25\"\n",
        (2, 1),
        "adress",
        "unknown key `adress` in [listener]",
        "did you mean `address`?",
    );
}

#[test]
fn a_mistyped_section_is_told_the_right_one() {
    one_fault(
        "[limit]\nerrors = 3\n",
        (1, 2),
        "limit",
        "unknown section",
        "did you mean `limits`?",
    );
}

#[test]
fn a_key_outside_of_its_section_is_sent_home() {
    let text = format!("hostname = \"mail.example.com\"\n{SMARTHOST}");
    let lines = loaded(&text).report.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].help, ["it belongs under [server]"]);
    for (section, key) in [("[tls]\nca = \"x\"\n", "tls"), ("[[allow]]\nfrom = 1\n", "allow")] {
        let lines = loaded(&format!("{SMARTHOST}{section}")).report.lines();
        assert_eq!(
            (lines.len(), lines[0].message.as_str()),
            (1, &*format!("`{key}` is no section"))
        );
        assert!(lines[0].help[0].starts_with(&format!("it is a key: {key} = ... under [")));
    }
    let list = loaded(&format!("allow = [\"127.0.0.1\"]\n{SMARTHOST}")).report.lines();
    assert_eq!(list[0].message, "`allow` stands outside of any section");
}

#[test]
fn single_and_double_brackets_are_told_apart() {
    one_fault(
        "[listener]\naddress = \"127.0.0.1:25\"\n",
        (1, 1),
        "[listener]",
        "several",
        "[[listener]]",
    );
    one_fault("[[log]]\nlevel = \"info\"\n[[log]]\n", (3, 1), "[[log]]", "only one [log]", "[log]");
}

#[test]
fn a_bad_element_of_a_list_is_marked_itself() {
    one_fault(
        "[[listener]]\naddress = \"10.0.0.1:25\"\nallow = [\"10.0.0.0/8\", \"300.1.1.1/8\"]\n",
        (3, 24),
        "\"300.1.1.1/8\"",
        "not a network",
        "for example",
    );
}

#[test]
fn a_network_with_host_bits_is_told_both_readings() {
    one_fault(
        "[[listener]]\naddress = \"10.0.0.1:25\"\nallow = [\"10.1.2.3/8\"]\n",
        (3, 10),
        "\"10.1.2.3/8\"",
        "not a network",
        "the network is \"10.0.0.0/8\", this one host is \"10.1.2.3\"",
    );
}

#[test]
fn a_bad_duration_says_why() {
    for (value, why) in [
        ("\"30\"", "the unit is missing"),
        ("\"5 minutes\"", "is no unit"),
        ("\"30s5m\"", "longer unit comes first"),
        ("\"\"", "longer than nothing"),
        ("\"0s\"", "longer than nothing"),
        ("\"99999999d\"", "longer than a hundred years"),
        ("\"s\"", "number is missing"),
    ] {
        let text = format!("[limits]\ncommand_timeout = {value}\n");
        one_fault(&text, (2, 19), value, why, "\"9m30s\"");
    }
    one_fault("[limits]\ncommand_timeout = 30\n", (2, 19), "30", "expected a duration", "\"30s\"");
}

#[test]
fn wrong_types_and_sizes_and_shares_are_told() {
    one_fault(
        "[limits]\nmessage_size = \"50 MegaByte\"\n",
        (2, 16),
        "\"50 MegaByte\"",
        "not a size",
        "50MiB",
    );
    one_fault("[limits]\nmessage_size = \"1KiB\"\n", (2, 16), "\"1KiB\"", "at least 64 KiB", "");
    one_fault("[limits]\nrecipients = 50\n", (2, 14), "50", "out of range", "");
    one_fault(
        "[limits]\nerrors = \"many\"\n",
        (2, 10),
        "\"many\"",
        "expected a whole number, found a string",
        "",
    );
    one_fault(
        "[log]\npersonal = \"true\"\n",
        (2, 12),
        "\"true\"",
        "expected true or false",
        "without the quotes",
    );
    one_fault(
        "[log]\nlevel = \"infos\"\n",
        (2, 9),
        "\"infos\"",
        "not a log level",
        "did you mean \"info\"?",
    );
}

#[test]
fn a_listener_for_strangers_says_who_may_relay() {
    one_fault(
        "[[listener]]\naddress = \"0.0.0.0:25\"\n",
        (2, 11),
        "\"0.0.0.0:25\"",
        "who may relay",
        "allow = ",
    );
}

#[test]
fn an_open_relay_is_refused_in_every_spelling() {
    for allow in ["[\"0.0.0.0/0\"]", "[\"::/0\"]", "[\"0.0.0.0/1\", \"128.0.0.0/1\"]"] {
        let found = faults(&format!("[[listener]]\naddress = \"0.0.0.0:25\"\nallow = {allow}\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].message.contains("open relay"), "{found:#?}");
        assert_eq!(found[0].line, Some(3));
    }
}

#[test]
fn a_smarthost_that_is_the_gate_itself_is_refused() {
    for (smarthost, listen) in [
        ("127.0.0.1:2525", "127.0.0.1:2525"),
        ("localhost:2525", "127.0.0.1:2525"),
        ("127.0.0.1:2525", "0.0.0.0:2525"),
        ("mail.example.com:2525", "127.0.0.1:2525"),
        ("[::1]:2525", "[::1]:2525"),
    ] {
        let text = format!(
            "[smarthost]\naddress = \"{smarthost}\"\n[[listener]]\naddress = \"{listen}\"\nallow = [\"10.0.0.0/8\"]\n"
        );
        let lines = loaded(&text).report.lines();
        assert_eq!(lines.len(), 1, "{smarthost} {listen} {lines:#?}");
        assert!(lines[0].message.contains("is this gate itself"), "{lines:#?}");
    }
    let text = "[smarthost]\naddress = \"127.0.0.1:2526\"\n";
    assert!(loaded(text).report.lines().is_empty());
}

#[test]
fn two_of_one_name_show_both_places() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), "email\n").unwrap();
    let text = format!(
        "{SMARTHOST}[[source]]\nname = \"crm\"\ncsv = \"a.csv\"\n[[source]]\nname = \"CRM\"\ncsv = \"a.csv\"\n"
    );
    let report = load_text(&folder.path().join("x.toml"), &text, &around()).report;
    let shown = report.render(false);
    assert_eq!(report.lines().len(), 1, "{shown}");
    assert!(shown.contains("two sources are named \"CRM\""), "{shown}");
    assert!(shown.contains("the first is here"), "{shown}");
}

#[test]
fn a_missing_list_fails_the_check_but_not_the_start() {
    let loaded = loaded(&format!("{SMARTHOST}[[source]]\nname = \"crm\"\ncsv = \"gone.csv\"\n"));
    assert!(!loaded.report.is_clean());
    assert!(!loaded.report.is_fatal());
    assert!(loaded.settings.is_some());
    assert!(loaded.report.lines()[0].message.ends_with("gone.csv is not there"));
}

#[test]
fn the_keys_of_a_source_go_with_its_format() {
    let source = "[[source]]\nname = \"crm\"\n";
    let words = |text: &str| {
        let found = faults(&format!("{source}{text}"));
        found.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(words("").contains("has no list"));
    assert!(words("csv = \"a\"\nxml = \"b\"\n").contains("a source is in one place"));
    assert!(
        words("csv = \"a\"\nrecord = \"/a\"\n").contains("`record` has no meaning for a CSV list")
    );
    let xml = words("xml = \"b\"\ndelimiter = \";\"\n");
    assert!(xml.contains("`delimiter` has no meaning for an XML list"), "{xml}");
    assert!(xml.contains("`record` is missing for an XML list"), "{xml}");
    assert!(words("xml = \"b\"\nrecord = \"/a\"\nemail = 3\n").contains("no columns to count"));
}

#[test]
fn a_curly_quote_in_a_notice_is_shown_with_the_plain_one() {
    one_fault(
        "[[listener]]\nnotice = \"No \u{201c}UCE\"\n",
        (2, 14),
        "\u{201c}",
        "cannot stand in a greeting",
        "write \\\"",
    );
    one_fault("[[listener]]\nnotice = \"a\u{2014}b\"\n", (2, 12), "\u{2014}", "U+2014", "write -");
    one_fault(
        "[[listener]]\nnotice = \"a\\nb\"\n",
        (2, 10),
        "\"a\\nb\"",
        "a line break",
        "write a space",
    );
}

#[test]
fn a_notice_longer_than_a_reply_line_is_told_by_how_much() {
    // 220 SP mail.example.com SP ESMTP SP ... CRLF
    let room = 512 - 4 - 16 - 7 - 2;
    let fits = format!("[[listener]]\nnotice = \"{}\"\n", "x".repeat(room));
    assert!(faults(&fits).is_empty(), "{:#?}", faults(&fits));
    let over = format!("[[listener]]\nnotice = \"{}\"\n", "x".repeat(room + 1));
    let found = faults(&over);
    assert!(found[0].help[1].contains("notice_lines = \"wrap\""), "{found:#?}");
    assert!(found[0].message.contains("513 octets"), "{found:#?}");
    assert!(found[0].help[0].contains(&room.to_string()), "{found:#?}");
}

#[test]
fn every_fault_is_told_in_one_run_in_the_order_of_the_file() {
    let text = "[smarthost]\naddress = \"relay\"\nconnect_timeout = 5\n[server]\nhostnam = \"x\"\n[[listener]]\naddress = \"*:25\"\naction = \"bounce\"\n[ledger]\nperson = { tag_mark = \"+\" }\n";
    let lines = loaded(text).report.lines();
    let places: Vec<_> = lines.iter().map(|f| f.line.unwrap()).collect();
    assert_eq!(places, [2, 3, 5, 7, 8, 10], "{lines:#?}");
}

#[test]
fn broken_toml_is_told_together_with_wrong_values() {
    let lines = loaded(
        "[smarthost]\naddress = \"relay:587\"\n[limits]\nerrors = \n[log]\nlevel = \"loud\"\n",
    )
    .report
    .lines();
    assert!(lines.iter().any(|f| f.line == Some(4)), "{lines:#?}");
    assert!(lines.iter().any(|f| f.line == Some(6)), "{lines:#?}");
}

#[test]
fn the_drawing_points_at_the_place() {
    let report = load_text(
        Path::new("x.toml"),
        "[smarthost]\naddress = \"relay.corp.example:587\"\nconect_timeout = \"30s\"\n",
        &around(),
    )
    .report;
    assert_eq!(
        report.render(false),
        "error: unknown key `conect_timeout` in [smarthost]\n \
         --> x.toml:3:1\n  \
         |\n\
         3 | conect_timeout = \"30s\"\n  \
         | ^^^^^^^^^^^^^^\n  \
         |\n  \
         = help: did you mean `connect_timeout`?\n\n"
    );
}

#[test]
fn the_environment_comes_before_the_file_and_is_shown() {
    let around = Surroundings { log_level: Some("debug".to_owned()), ..around() };
    let loaded = load_text(Path::new("x.toml"), SMARTHOST, &around);
    assert_eq!(loaded.settings.unwrap().log.level, Level::Debug);
    let shown = show_toml(&loaded.values, true);
    assert!(shown.contains("# environment: OPTGATE_LOG"), "{shown}");
    assert!(shown.contains("# x.toml:2"), "{shown}");
    assert!(!shown.contains("default"), "{shown}");
}

#[test]
fn what_config_show_prints_means_the_same() {
    let first = loaded(SMARTHOST);
    let shown = show_toml(&first.values, false);
    let again = load_text(Path::new("/x.toml"), &shown, &around());
    assert!(!again.report.is_fatal(), "{}\n{shown}", again.report.render(false));
    let values = |l: &Loaded| l.values.iter().map(|v| v.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&again));
}

#[test]
fn the_template_is_a_right_file_and_so_is_all_that_is_commented_out() {
    let answers = TemplateAnswers {
        smarthost: Some("relay.corp.example:587".to_owned()),
        listen: Some("0.0.0.0:25".to_owned()),
        allow: vec!["10.0.0.0/8".to_owned()],
        csv: Some("/srv/lists/opt outs.csv".to_owned()),
    };
    for answers in [TemplateAnswers::default(), answers] {
        let text = template(&answers);
        let loaded = loaded(&text);
        assert!(!loaded.report.is_fatal(), "{}\n{text}", loaded.report.render(false));
    }
    // There is one way to log in to a smarthost.
    let ways = [
        &["password_env", "token_", "client_", "mechanism"][..],
        &["password_", "token_file", "token_command", "client_secret_env"],
    ];
    for others in ways {
        commented_out(others);
    }
}

/// All keys but `others`.
#[track_caller]
fn commented_out(others: &[&str]) {
    // A line `#key = value` is a key; `# words` are words; `# [[name]]` is an example to the end
    // of its section.
    let text = template(&TemplateAnswers::default());
    let mut bare = String::new();
    let mut example = false;
    for line in text.lines() {
        if line.starts_with("# [[") || line.starts_with('[') {
            example = line.starts_with('#');
        }
        let key = line.strip_prefix('#').filter(|key| !key.starts_with(' ') && !example);
        let key = key.filter(|key| !others.iter().any(|other| key.starts_with(other)));
        bare.push_str(key.unwrap_or(line));
        bare.push('\n');
    }
    // A smarthost of the listener's is for logins that are passed through.
    bare = bare.replace("auth = \"off\"", "auth = \"smarthost\"");
    // TLS of the listener needs one.
    bare.push_str("[[certificate]]\ncertificate = \"mail.pem\"\nkey = \"mail.key\"\n");
    let loaded = loaded(&bare);
    assert!(!loaded.report.is_fatal(), "{}\n{bare}", loaded.report.render(false));
}

#[test]
fn the_reference_in_docs_is_the_one_made_here() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let made = reference();
    if std::env::var_os("OPTGATE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "docs/configuration.md is old; OPTGATE_BLESS=1 cargo test -p app");
}

mod access;
mod gates;
mod kinds_of_mail;
mod logins;
mod milters;
mod pages;
mod places;
mod solicitation;
mod tls;
