//! A list of digests, made with a salt that was put right.

use super::*;
use crate::lists::salt::is_changed;

/// MD5 of `right` and the address.
fn digest(address: &str) -> String {
    let form: suppression::HashedForm = "md5 lower before=7269676874".parse().unwrap();
    form.digest(address).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_list_is_read_again_with_the_salt_that_is_right() {
    let house = house("");
    let folder = house.folder.path();
    house.write(&format!("{}\n{}\n", digest("bob@example.com"), digest("eve@example.com")));
    let settings = |salt: &str| {
        std::fs::write(folder.join("salt"), salt).unwrap();
        let text = "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"m.example.com\"\n\
            [[source]]\nname = \"crm\"\ncsv = \"list.csv\"\nhashed = \"md5\"\nsalt_file = \"salt\"\n";
        load_text(&folder.join("optgate.toml"), text, &Surroundings::default()).settings.unwrap()
    };
    let read = |settings: &Settings| {
        sync_once(&house.keeper, settings, &settings.sources[0], false).unwrap()
    };
    let wrong = settings("wrong\n");
    assert_eq!(read(&wrong).rows, 2);
    assert!(!read(&wrong).changed);
    note_ages(&house.keeper, &wrong.sources).unwrap();
    assert_eq!(house.look_up("bob@example.com"), Lookup::Clear);
    assert!(!is_changed(&wrong.sources[0]));
    let right = settings("right\n");
    assert!(is_changed(&wrong.sources[0]) && !is_changed(&right.sources[0]));
    assert!(read(&right).changed);
    assert!(matches!(house.look_up("bob@example.com"), Lookup::Suppressed(_)));
    house.keeper.stop();
}
