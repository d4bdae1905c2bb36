//! Each check on a small made-up house, good once and broken once.

use super::*;

const TABLE: &str = "\
# A house

| floor | crate | what it is | uses | tokio |
| --- | --- | --- | --- | --- |
| 3 | `roof` | the top | all below | yes |
| 2 | `room` | a room | `cellar` | **no** |
| 1 | `cellar` | the ground | – | no |
| – | `testkit` | for tests | `cellar` | – |

| floor | crate | uses | tokio |
| --- | --- | --- | --- |
| 9 | `another` | – | yes |
";

/// Packages as cargo tells them: name, then what they use; `dev:` for tests.
fn packages(list: &[(&str, &[&str])]) -> Vec<Package> {
    let packages: Vec<serde_json::Value> = list
        .iter()
        .map(|(name, uses)| {
            let dependencies: Vec<serde_json::Value> = uses
                .iter()
                .map(|used| {
                    let (kind, used) = match used.strip_prefix("dev:") {
                        Some(used) => (Some("dev"), used),
                        None => (None, *used),
                    };
                    serde_json::json!({ "name": used, "kind": kind, "path": "/x" })
                })
                .collect();
            serde_json::json!({
                "name": name,
                "manifest_path": format!("/x/{name}/Cargo.toml"),
                "dependencies": dependencies,
            })
        })
        .collect();
    let json = serde_json::json!({
        "workspace_root": "/x", "target_directory": "/x/target", "packages": packages,
    });
    Workspace::parse(json.to_string().as_bytes()).unwrap().packages
}

/// The good house with one package replaced.
fn faults_with(name: &str, uses: &[&str]) -> Vec<String> {
    let mut house: Vec<(&str, &[&str])> = vec![
        ("roof", &["room", "cellar"]),
        ("room", &["cellar", "dev:testkit"]),
        ("cellar", &[]),
        ("testkit", &["cellar"]),
    ];
    house.retain(|(other, _)| *other != name);
    house.push((name, uses));
    check(&table::parse(TABLE).unwrap(), &packages(&house))
}

#[test]
fn the_table_is_read_and_ends_where_it_ends() {
    let rows = table::parse(TABLE).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["roof", "room", "cellar", "testkit"]);
    assert_eq!(rows[0].uses, Uses::AllBelow);
    assert_eq!(rows[1].uses, Uses::Listed(vec!["cellar".to_owned()]));
    assert_eq!((rows[1].floor, &rows[1].tokio), (Some(2), &Tokio::No));
    assert_eq!((rows[3].floor, &rows[3].tokio), (None, &Tokio::NotAsked));
}

#[test]
fn a_text_without_the_table_or_with_a_bad_row_is_an_error() {
    assert!(table::parse("# nothing\n").is_err());
    let bad = TABLE.replace("| **no** |", "| perhaps |");
    assert!(format!("{:#}", table::parse(&bad).unwrap_err()).contains("perhaps"));
}

#[test]
fn the_good_house_has_no_fault() {
    assert_eq!(faults_with("cellar", &[]), Vec::<String>::new());
}

#[test]
fn a_crate_outside_its_row_is_found() {
    let text = TABLE.replace("| 2 | `room` | a room | `cellar` |", "| 2 | `room` | a room | – |");
    let house: &[(&str, &[&str])] =
        &[("roof", &[]), ("room", &["cellar"]), ("cellar", &[]), ("testkit", &[])];
    let faults = check(&table::parse(&text).unwrap(), &packages(house));
    assert_eq!(faults, ["room uses cellar, which its row does not list"]);
}

#[test]
fn an_arrow_upward_or_sideways_is_found_also_in_tests() {
    let faults = faults_with("cellar", &["room"]);
    assert!(faults.iter().any(|fault| fault.contains("downward")), "{faults:?}");
    let faults = faults_with("cellar", &["dev:room"]);
    assert!(faults.iter().any(|fault| fault.contains("downward")), "{faults:?}");
}

#[test]
fn testkit_outside_tests_is_found_even_where_all_is_allowed() {
    let faults = faults_with("roof", &["testkit"]);
    assert!(faults.contains(&"roof uses testkit outside its tests".to_owned()), "{faults:?}");
}

#[test]
fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
    let faults = faults_with("shed", &[]);
    assert_eq!(faults, ["shed has no row in the crate table"]);
    let rows = table::parse(TABLE).unwrap();
    let faults = check(&rows, &packages(&[("roof", &[]), ("room", &[]), ("cellar", &[])]));
    assert_eq!(faults, ["the crate table lists testkit, which is no crate"]);
}

#[test]
fn tokio_anywhere_in_the_graph_is_found_and_its_cousins_are_not() {
    let graph = "room v0.1.0 (/x/room)\nbytes v1.0.0\ntokio-util v0.7.0\n";
    assert_eq!(check_tokio("room", graph), None);
    let graph = format!("{graph}tokio v1.54.1 (*)\n");
    assert!(check_tokio("room", &graph).unwrap().contains("room must not"));
}
