//! Help, completions, wrong words.

use crate::house::House;

#[test]
fn wrong_words_exit_64_and_help_exits_0() {
    let house = House::empty();
    house.run(&[]).exits(64);
    let ran = house.run(&["serv"]).exits(64);
    assert!(ran.err.contains("serve"), "{}", ran.err);
    house.run(&["check", "--nonsense"]).exits(64);
    assert!(house.run(&["--help"]).exits(0).out.contains("Exit codes"));
    assert!(house.run(&["--version"]).exits(0).out.starts_with("optgate "));
}

#[test]
fn every_verb_has_a_help_with_more_than_its_options() {
    let house = House::empty();
    for verb in [
        &["demo"][..],
        &["init"],
        &["config", "show"],
        &["optout", "add"],
        &["optout", "import"],
        &["why"],
        &["replay"],
        &["sink"],
        &["completions"],
    ] {
        let words: Vec<_> = verb.iter().copied().chain(["--help"]).collect();
        let ran = house.run(&words).exits(0);
        assert!(ran.out.contains("Examples:"), "{verb:?}: {}", ran.out);
    }
}

#[test]
fn completions_are_made_for_the_usual_shells() {
    let house = House::empty();
    for (shell, words) in
        [("bash", "_optgate()"), ("zsh", "#compdef optgate"), ("fish", "complete -c optgate")]
    {
        let ran = house.run(&["completions", shell]).exits(0);
        assert!(ran.out.contains(words), "{shell}");
        assert!(ran.out.contains("replay"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let house = House::empty();
    let command = format!("{} completions bash | head -1", env!("CARGO_BIN_EXE_optgate"));
    let run = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", &command])
        .current_dir(house.folder())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
