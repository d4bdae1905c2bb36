use crate::{ForwardPath, Mailbox, PersonRules};

fn person(text: &str) -> String {
    let rules = PersonRules::default();
    Mailbox::parse(text).unwrap().canonical(&rules).unwrap().person().to_owned()
}

#[test]
fn a_mailbox_is_read_and_written() {
    assert_eq!(ForwardPath::parse("<Bob@X.Example.>").unwrap().to_string(), "<Bob@x.example>");
    assert_eq!(person("\"vi\\ctim\"@optout.example"), "victim@optout.example");
    assert_eq!(person("B.o.b+shop@GoogleMail.com"), "bob@gmail.com");
}
