use std::os::unix::fs::PermissionsExt;

use super::super::edit::{Passphrase, add};
use super::*;

const HASH: &str =
    "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$Uog2AwIz2JNjnTQrR5wl+qDhGVX5QxLWRkqGPVGgQl8";
const KEYS: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    for name in ["zoe", "erp", "a b", "größe"] {
        add(&path, name, &Passphrase::new("correct horse").unwrap(), false).unwrap();
    }
    let file = read(&path).unwrap();
    let names: Vec<_> = file.users.keys().map(String::as_str).collect();
    assert_eq!(names, ["a b", "erp", "größe", "zoe"]);
    assert_eq!(parse(&file.to_text()).unwrap(), file);
    assert!(!file.to_text().contains("horse"));
}

#[test]
fn a_line_is_read_strictly_and_never_shown() {
    let good = format!("# a remark\n\nerp:{HASH}:{KEYS}\n");
    assert_eq!(parse(&good).unwrap().len(), 1);
    for (line, what) in [
        ("erp".to_owned(), "no user"),
        ("erp:secret".to_owned(), "two fields"),
        (format!("erp:secret:{KEYS}"), "PHC"),
        (format!("erp:{}:{KEYS}", HASH.replace("argon2id", "argon2i")), "argon2id"),
        (format!("erp:{}:{KEYS}", HASH.replace("m=64", "m=2000000")), "too much"),
        (format!("erp:{HASH}:{}", KEYS.replace("4096", "4095")), "SCRAM"),
        (format!("erp:{HASH}:{}", KEYS.replace("SHA-256", "SHA-1")), "SCRAM"),
        (format!("erp:{HASH}:{KEYS}x"), "SCRAM"),
        (format!(" erp:{HASH}:{KEYS}"), "name"),
        (format!(":{HASH}:{KEYS}"), "name"),
        (format!("\u{fb01}sh:{HASH}:{KEYS}"), "name"),
    ] {
        let (at, wrong) = parse(&format!("# users\n{line}\n")).unwrap_err();
        assert_eq!(at, 2);
        assert!(wrong.contains(what), "{line}: {wrong}");
        assert!(!wrong.contains("secret"));
    }
    let (at, wrong) = parse(&format!("{good}erp:{HASH}:{KEYS}\n")).unwrap_err();
    assert_eq!((at, wrong), (4, "its name stands here a second time"));
}

#[test]
fn a_file_that_others_may_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, format!("erp:{HASH}:{KEYS}\n")).unwrap();
    for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let outcome = read(&path);
        assert_eq!(outcome.is_ok(), used, "{mode:o}");
        assert!(used || outcome.unwrap_err().contains("chmod 600"));
    }
    assert!(read(folder.path()).unwrap_err().contains("is not a file"));
}
