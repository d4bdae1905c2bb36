//! Lists that are the master of their entries: who is gone from them may be mailed again.

use std::fs;
use std::path::Path;

use e2e::Scratch;

use super::House;

fn write(list: &Path, people: &[&str]) {
    let new = list.with_extension("new");
    fs::write(&new, format!("email\n{}\n", people.join("\n"))).unwrap();
    fs::rename(new, list).unwrap();
}

#[test]
fn who_leaves_a_mirrored_list_may_be_mailed_and_who_comes_back_may_not() {
    let scratch = Scratch::new();
    let folder = scratch.folder("lists", None, 0o755);
    let list = folder.join("crm.csv");
    write(&list, &["bob@example.com", "carol@example.com"]);
    let lines = format!("csv = \"{}\"\nmirror = true\nshrink_limit = \"60%\"\n", list.display());
    let house = House::new(&scratch, "", &lines);
    house.wait_for("bob@example.com", 550);
    house.wait_for("carol@example.com", 550);
    // One who said so by another way stays out, whatever this list says later.
    assert_eq!(house.gate.ask(&["optout", "add", "carol@example.com"]).code, 0);

    write(&list, &["erin@example.com"]);
    house.wait_for("erin@example.com", 550);
    house.wait_for("bob@example.com", 250);
    assert_eq!(house.code("carol@example.com"), 550);

    // He agrees, and then is on the list again, which has no dates.
    let consent = ["consent", "add", "bob@example.com", "--evidence", "form=shop"];
    let told = house.gate.ask(&consent);
    assert_eq!(told.code, 0, "{}", told.text());
    assert_eq!(house.code("bob@example.com"), 250);
    write(&list, &["erin@example.com", "bob@example.com"]);
    house.wait_for("bob@example.com", 550);
    let verified = house.gate.ask(&["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.text());
}
