//! Lists in a folder of files, which are one list together.

use std::fs;

use e2e::Scratch;

use super::House;

#[test]
fn the_files_of_a_folder_are_one_list() {
    let scratch = Scratch::new();
    let folder = scratch.folder("lists", None, 0o755);
    fs::write(folder.join("a.csv"), "email\nbob@example.com\n").unwrap();
    fs::write(folder.join("b.csv"), "Name;Email Address\nCarol;carol@example.com\n").unwrap();
    let house = House::new(&scratch, "", &format!("file = \"{}\"\n", folder.display()));
    for address in ["bob@example.com", "carol@example.com"] {
        let reply = house.wait_for(address, 550);
        assert!(reply.text.contains("(list crm)"), "{reply:?}");
    }
    assert_eq!(house.code("dave@example.com"), 250);

    // A new file, put there as careful programs do; what is being written is left alone.
    fs::write(folder.join("c.csv.part"), "email\nerin@exa").unwrap();
    fs::write(folder.join("new.tmp"), "email\ndave@example.com\n").unwrap();
    fs::rename(folder.join("new.tmp"), folder.join("d.csv")).unwrap();
    house.wait_for("dave@example.com", 550);
    assert_eq!(house.told("last_error"), "");
    assert_eq!(house.code("erin@example.com"), 250);

    // One that cannot be read refuses the whole reading, by its name.
    let position = house.position();
    fs::write(folder.join("e.csv"), "email\nfrank@example.com\n").unwrap();
    // The beginning of a gzip file that is still on its way.
    fs::write(folder.join("f.csv"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]).unwrap();
    let error = house.wait_for_error();
    assert!(error.contains("f.csv"), "{error}");
    assert_eq!(house.position(), position);
    assert_eq!(house.code("frank@example.com"), 250);
    assert_eq!(house.code("bob@example.com"), 550);
    fs::remove_file(folder.join("f.csv")).unwrap();
    house.wait_for("frank@example.com", 550);
}
