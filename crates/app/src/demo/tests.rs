use std::sync::{Arc, Mutex};

use super::*;
use crate::AppError;

fn play(folder: &std::path::Path) -> (Result<bool, AppError>, Vec<String>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let ears = said.clone();
    let options = DemoOptions {
        folder: folder.to_path_buf(),
        listen: "127.0.0.1:0".parse().unwrap(),
        once: true,
    };
    let tell: Tell = Arc::new(move |event| {
        ears.lock().unwrap().push(match event {
            DemoEvent::Ready { seeded, .. } => format!("ready {seeded}"),
            DemoEvent::Captured(message) => format!("captured {}", message.recipients[0].to),
            DemoEvent::Step(step) => format!("step {} {}", step.number, step.as_expected),
            DemoEvent::Over => "over".to_owned(),
        });
    });
    let played = run(&options, &tell);
    let said = said.lock().unwrap().clone();
    (played, said)
}

#[test]
fn the_demo_goes_as_it_should_and_can_be_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("demo");
    for _ in 0..2 {
        let (played, said) = play(&folder);
        assert!(played.unwrap(), "{said:?}");
        let expected = [
            "ready 4",
            "captured <carol@example.net>",
            "step 1 true",
            "step 2 true",
            "step 3 true",
            "captured <alice@example.com>",
            "step 4 true",
            "step 5 true",
            "over",
        ];
        assert_eq!(said, expected);
    }
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("optgate.toml");
    std::fs::write(&theirs, "theirs").unwrap();
    let (played, _) = play(folder.path());
    assert!(matches!(played, Err(AppError::Input(_))));
    assert_eq!(std::fs::read_to_string(theirs).unwrap(), "theirs");
}
