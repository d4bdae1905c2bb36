//! Lists of digests instead of addresses, made by another program.

use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::{Peers, Scratch, run};

use super::House;

/// The digest of a text, by openssl, in hexadecimal.
fn digest(folder: &Path, algorithm: &str, text: &str) -> String {
    let file = folder.join("text");
    fs::write(&file, text).unwrap();
    let mut command = Peers::get().command("openssl");
    command.args(["dgst", "-r", &format!("-{algorithm}")]).arg(&file);
    let ran = run(&mut command, Duration::from_secs(30));
    assert_eq!(ran.code, 0, "{}", ran.text());
    ran.out.split_whitespace().next().unwrap().to_owned()
}

fn base64(folder: &Path, algorithm: &str, text: &str) -> String {
    let (file, raw) = (folder.join("text"), folder.join("raw"));
    fs::write(&file, text).unwrap();
    let mut command = Peers::get().command("openssl");
    command.args(["dgst", "-binary", &format!("-{algorithm}"), "-out"]).arg(&raw).arg(&file);
    assert_eq!(run(&mut command, Duration::from_secs(30)).code, 0);
    let mut command = Peers::get().command("openssl");
    command.args(["base64", "-A", "-in"]).arg(&raw);
    run(&mut command, Duration::from_secs(30)).out.trim().to_owned()
}

#[test]
fn digests_by_openssl_stop_the_people_behind_them() {
    let scratch = Scratch::new();
    let folder = scratch.folder("lists", None, 0o755);
    let list = folder.join("optizmo.txt");
    let lines = ["bob@example.com", "carol@example.com"].map(|a| digest(&folder, "md5", a));
    fs::write(&list, lines.join("\n") + "\n").unwrap();
    let lines = format!("text = \"{}\"\nhashed = \"md5\"\n", list.display());
    let house = House::new(&scratch, "", &lines);
    let reply = house.wait_for("bob@example.com", 550);
    assert!(reply.text.contains("(list crm)"), "{reply:?}");
    for (address, code) in [
        ("Bob@Example.COM", 550),
        ("bob+news@example.com", 550),
        ("carol@example.com", 550),
        ("dave@example.com", 250),
    ] {
        assert_eq!(house.code(address), code, "{address}");
    }
    // What the list held stands nowhere.
    let ledger = fs::read(scratch.path().join("gate/optgate.db")).unwrap();
    let text = String::from_utf8_lossy(&ledger);
    assert!(!text.contains(&digest(&folder, "md5", "bob@example.com")));

    // Somebody more, while mail flows.
    let more = ["bob@example.com", "dave@example.com"].map(|a| digest(&folder, "md5", a));
    fs::write(folder.join("new"), more.join("\n") + "\n").unwrap();
    fs::rename(folder.join("new"), &list).unwrap();
    house.wait_for("dave@example.com", 550);
    assert_eq!(house.code("carol@example.com"), 550, "lists are sticky");
}

#[test]
fn salted_digests_in_base64_by_openssl_are_found_too() {
    let scratch = Scratch::new();
    let folder = scratch.folder("lists", None, 0o755);
    let list = folder.join("partner.csv");
    let rows = ["bob@example.com", "carol@example.com"]
        .map(|a| base64(&folder, "sha256", &format!("pepper{a}")));
    fs::write(&list, format!("hash\n{}\n{}\n", rows[0], rows[1])).unwrap();
    fs::write(folder.join("salt"), "pepper\n").unwrap();
    let lines = format!(
        "csv = \"{}\"\nhashed = \"sha256\"\nsalt_file = \"{}\"\nsalt_place = \"before\"\n",
        list.display(),
        folder.join("salt").display()
    );
    let house = House::new(&scratch, "", &lines);
    house.wait_for("carol@example.com", 550);
    assert_eq!(house.code("bob+x@example.com"), 550);
    assert_eq!(house.code("dave@example.com"), 250);
}
