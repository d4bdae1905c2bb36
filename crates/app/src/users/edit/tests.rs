use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

fn secret() -> Passphrase {
    Passphrase::new("correct horse").unwrap()
}

#[test]
fn users_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    assert_eq!(add(&path, "erp", &secret(), false).unwrap(), Added::New);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = read(&path).unwrap();
    let error = add(&path, "erp", &secret(), false).unwrap_err();
    assert!(error.to_string().contains("--replace"), "{error}");
    assert_eq!(read(&path).unwrap(), before);
    assert_eq!(add(&path, "erp", &secret(), true).unwrap(), Added::Replaced);
    assert_ne!(read(&path).unwrap(), before, "a new salt");
    add(&path, "shop", &secret(), false).unwrap();
    assert_eq!(list(&path).unwrap(), ["erp", "shop"]);
    remove(&path, "erp").unwrap();
    let error = remove(&path, "erp").unwrap_err();
    assert!(error.to_string().contains("there is no user erp: shop"), "{error}");
    assert_eq!(list(&path).unwrap(), ["shop"]);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing else is left in the folder");
}

#[test]
fn a_path_without_a_folder_is_beside_us() {
    // Seen from where the tests run.
    let path = format!("users-of-a-test-{}", std::process::id());
    let path = Path::new(&path);
    let added = add(path, "erp", &secret(), false);
    let there = fs::remove_file(path);
    assert_eq!(added.unwrap(), Added::New);
    there.unwrap();
}

#[test]
fn the_same_name_typed_in_two_ways_is_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    add(&path, "Gr\u{f6}\u{df}e", &secret(), false).unwrap();
    assert!(add(&path, "Gro\u{308}\u{df}e", &secret(), false).is_err());
    remove(&path, "Gro\u{308}\u{df}e").unwrap();
    for name in ["", "a:b", "#a", " a", "a\u{7}", &"n".repeat(256)] {
        assert!(add(&path, name, &secret(), false).is_err(), "{name}");
    }
}

#[test]
fn a_password_that_cannot_be_typed_alike_everywhere_is_none() {
    for said in ["", "a\u{7}b", "\u{e000}", "\u{ad}", &"p".repeat(1025)] {
        assert!(Passphrase::new(said).is_err(), "{said}");
    }
    let shown = format!("{:?}", Passphrase::new("hunter2").unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_file_keeps_its_owner_and_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    add(&path, "erp", &secret(), false).unwrap();
    // Only root may give a file away; anybody else keeps what is theirs.
    let _ = std::os::unix::fs::chown(&path, Some(12345), Some(54321));
    let before = path.metadata().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    add(&link, "shop", &secret(), false).unwrap();
    let after = path.metadata().unwrap();
    assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
    assert_eq!(after.permissions().mode() & 0o777, 0o600);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(list(&path).unwrap(), ["erp", "shop"]);
}

#[test]
fn a_garbled_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    fs::write(&path, "what is this?\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(add(&path, "erp", &secret(), false).is_err());
    assert!(remove(&path, "erp").is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "what is this?\n");
    let missing = folder.path().join("missing");
    assert!(remove(&missing, "erp").is_err());
    assert!(!missing.exists());
}

#[test]
fn nobody_is_lost_when_two_add_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let path = &path;
            scope.spawn(move || add(path, name, &secret(), false).unwrap());
        }
    });
    assert_eq!(list(&path).unwrap(), ["a", "b", "c", "d"]);
}
