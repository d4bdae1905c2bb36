use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_is_created_is_loaded_again() {
    let folder = folder();
    let path = folder.path().join("optgate.key");
    let made = KeyFile::create(&path).unwrap();
    let read = KeyFile::load(&path).unwrap();
    assert_eq!(made.id(), read.id());
    assert_eq!(made.fingerprint(), read.fingerprint());
    assert_eq!(made.hasher().digest("x", b"y"), read.hasher().digest("x", b"y"));
    assert!(!read.is_exposed());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["optgate.key"], "no temporary file stays");
}

#[test]
fn two_keys_differ() {
    let folder = folder();
    let one = KeyFile::create(&folder.path().join("1")).unwrap();
    let two = KeyFile::create(&folder.path().join("2")).unwrap();
    assert_ne!(one.fingerprint(), two.fingerprint());
    assert_ne!(one.id(), two.id());
}

#[test]
fn an_existing_file_is_never_replaced() {
    let folder = folder();
    let path = folder.path().join("key");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(KeyFile::create(&path), Err(LedgerError::Exists { .. })));
    assert!(matches!(place(&path, b"other"), Err(LedgerError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn debug_and_errors_show_no_secret() {
    let folder = folder();
    let path = folder.path().join("key");
    let key = KeyFile::create(&path).unwrap();
    let secret = hex(&key.first.secret);
    assert!(!format!("{key:?}").contains(&secret));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&secret));
    fs::write(&path, text.replace("check ", "check x")).unwrap();
    let error = KeyFile::load(&path).unwrap_err();
    assert!(!error.to_string().contains(&secret) && !format!("{error:?}").contains(&secret));
}

#[test]
fn every_kind_of_damage_is_named() {
    let folder = folder();
    let path = folder.path().join("key");
    KeyFile::create(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let with = |text: &str| {
        fs::write(&path, text).unwrap();
        KeyFile::load(&path).unwrap_err().to_string()
    };
    let line = |name: &str| good.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    let swapped = {
        let secret = line("secret ");
        let last = if secret.ends_with('0') { '1' } else { '0' };
        let changed = format!("{}{last}", &secret[..secret.len() - 1]);
        good.replace(&secret, &changed)
    };
    for (text, part) in [
        (String::new(), "empty"),
        ("x".repeat(70_000), "too long"),
        ("hello\n".into(), "does not begin"),
        ("optgate-key-2\n".into(), "newer"),
        (good.replace(&line("id "), ""), "`id` is missing"),
        (good.replace(&line("secret "), ""), "`secret` is missing"),
        (good.replace(&line("check "), ""), "`check` is missing"),
        (good.replace("secret ", "secret 00"), "64 hexadecimal"),
        (good.replace("id ", "id +"), "8 hexadecimal"),
        (swapped, "checksum"),
        (good[..good.len() - 4].to_owned(), "8 hexadecimal"),
    ] {
        let error = with(&text);
        assert!(error.contains(part), "{part}: {error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
    fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    assert!(KeyFile::load(&path).unwrap_err().to_string().contains("not text"));
}

#[test]
fn dirt_of_editors_does_no_harm() {
    let folder = folder();
    let path = folder.path().join("key");
    let key = KeyFile::create(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap().replace('\n', " \r\n\r\n");
    fs::write(&path, text).unwrap();
    assert_eq!(KeyFile::load(&path).unwrap().fingerprint(), key.fingerprint());
}

#[test]
fn a_file_others_may_read_is_noticed() {
    let folder = folder();
    let path = folder.path().join("key");
    KeyFile::create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(KeyFile::load(&path).unwrap().is_exposed());
}

#[test]
fn a_file_is_not_made_longer_than_it_may_be_read() {
    let folder = folder();
    let path = folder.path().join("key");
    let mut file = KeyFile::create(&path).unwrap();
    let error = loop {
        let read = KeyFile::load(&path).unwrap();
        assert_eq!(read.keys().count(), file.keys().count());
        // Many at once: each is synced to the disk.
        for _ in 0..90 {
            file.later.push(Key::new().unwrap());
        }
        match file.add(Key::new().unwrap()) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("as many keys"), "{error}");
    assert!(KeyFile::load(&path).unwrap().keys().count() > 400);
}
