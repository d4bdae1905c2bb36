//! Classes of solicitation (RFC 3865): what messages say of themselves, who refuses what, and
//! what must have become of them.

use policy::ClassRefusal;
use smtp_wire::Solicitation;
use suppression::{Day, Kind, Scope, Subject, Suppression};
use testkit::{Delivery, Dice};

use crate::client::Message;
use crate::setup::{Setup, Totals};

/// What messages are of.
const CLASSES: [&str; 5] = [ADV, "org.example:ADV", "org.example:ADV:ADLT", "a:b", "c-d:e_f"];
/// What recipients refuse: those that begin with `adfree`, and perhaps those with `perhaps`.
const ADV: &str = "net.example:ADV";

/// What a message says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Says {
    /// Every class that its header names.
    carried: Vec<String>,
    /// The list of the only field, where that is well-formed.
    value: Option<String>,
    /// What the client would say in MAIL, where it is offered; and has said.
    planned: Option<String>,
    pub(crate) declared: Option<String>,
}

fn list(dice: &mut Dice) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for _ in 0..1 + dice.below(2) {
        let class = CLASSES[dice.below(CLASSES.len())];
        if !all.iter().any(|one| one.eq_ignore_ascii_case(class)) {
            let upper = dice.permille(200);
            all.push(if upper { class.to_ascii_uppercase() } else { class.to_owned() });
        }
    }
    all
}

/// Fields for a header that ends with none, and what they say.
pub(crate) fn write(dice: &mut Dice) -> (String, Says) {
    let carried = list(dice);
    let joined = carried.join(",");
    let (fields, value) = match dice.below(10) {
        0..=2 => return (String::new(), plan(dice, Says::default())),
        3..=5 => (format!("Solicitation: {joined}\r\n"), Some(joined)),
        6 => (format!("SOLICITATION:\r\n\t{joined}\r\nTo: x\r\n"), Some(joined)),
        7 => (format!("Solicitation: {joined}\r\nsolicitation:{joined}\r\n"), None),
        8 => (format!("Solicitation: (really) {joined} ,\r\n"), None),
        _ => (format!("To: x\r\nno field\r\nSolicitation: {joined}\r\n"), None),
    };
    (fields, plan(dice, Says { carried, value, ..Says::default() }))
}

fn plan(dice: &mut Dice, says: Says) -> Says {
    let planned = match dice.below(10) {
        0..=4 => None,
        5..=8 => says.value.as_ref().map(|value| value.to_ascii_uppercase()),
        _ => Some(list(dice).join(",")),
    };
    Says { planned, ..says }
}

impl Says {
    /// The parameter of MAIL, now that it is said.
    pub(crate) fn declare(&mut self) -> String {
        self.declared.clone_from(&self.planned);
        self.declared.as_ref().map_or_else(String::new, |list| format!(" SOLICIT={list}"))
    }

    /// What stands above the field makes it none to some programs.
    pub(crate) fn doubt(&mut self) {
        self.value = None;
    }

    fn is_of(&self, class: &str) -> bool {
        self.carried.iter().any(|one| one.eq_ignore_ascii_case(class))
    }
}

/// The classes of a listener; `None`: it does not offer the extension.
pub(crate) fn of_listener(setup: Setup, dice: &mut Dice) -> Option<Solicitation> {
    if !setup.has_classes() {
        return None;
    }
    match dice.below(5) {
        0 => None,
        1 | 2 => Some(Solicitation::default()),
        _ => Solicitation::parse("Org.Example:adv"),
    }
}

/// What the smarthost with this number offers: the first one with a class, the second one not at
/// all, the third one without a class.
pub(crate) fn offered(smarthost: usize) -> Option<&'static str> {
    match smarthost {
        0 => Some("NO-SOLICITING a:B"),
        1 => None,
        _ => Some("no-soliciting"),
    }
}

pub(crate) const LOCALS: [&str; 8] =
    ["yes1", "yes2", "adfree1", "adfree2", "AdFree3", "perhaps1", "no1", "maybe1"];

/// What the lists say of an address.
pub(crate) fn refused(address: &str) -> Vec<ClassRefusal> {
    let scope = Scope::Named("NET.example:ADV".to_owned());
    if refuses(address) {
        return vec![ClassRefusal::Entry(Suppression {
            source: "list".to_owned(),
            kind: Kind::OptOut,
            scope,
            since: Day::from_number(20_000),
            subject: Subject::Address,
            position: 8,
        })];
    }
    match cannot_be_told(address) {
        true => vec![ClassRefusal::Unknown(scope, "never read".to_owned())],
        false => Vec::new(),
    }
}

fn refuses(address: &str) -> bool {
    address.to_ascii_lowercase().starts_with("adfree")
}

fn cannot_be_told(address: &str) -> bool {
    address.to_ascii_lowercase().starts_with("perhaps")
}

/// The command without the parameter, and its value.
pub(crate) fn split(command: &str) -> (String, Option<&str>) {
    let parameter = command.split(' ').find_map(|word| word.strip_prefix("SOLICIT="));
    let rest: Vec<_> = command.split(' ').filter(|word| !word.starts_with("SOLICIT=")).collect();
    (rest.join(" "), parameter)
}

/// (9) A message that a smarthost took: what it was of, who has it, and what was said of it.
pub(crate) fn check(
    own: Option<&Solicitation>,
    totals: &mut Totals,
    message: &Message,
    (at, delivery): (u16, &Delivery),
    offers: bool,
) {
    let (says, id) = (&message.says, &message.id);
    let (_, told) = split(&delivery.envelope[0]);
    for path in &delivery.recipients {
        let bare = path.trim_start_matches('<');
        let stopped = refuses(bare) || cannot_be_told(bare);
        assert!(!stopped || !says.is_of(ADV), "(9) {path} got {id}, which is of {ADV}");
        totals.spared += u64::from(stopped);
    }
    if let Some(told) = told {
        assert!(offers, "(9) SOLICIT= where it was not offered: {id}");
        let same = says.value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(told));
        assert!(same, "(9) SOLICIT={told} of {id}, whose header has {:?}", says.value);
    }
    let declared = says.declared.as_ref();
    if let Some(declared) = declared {
        let same = says.value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(declared));
        assert!(same, "(9) {id} was declared {declared}, and its header has {:?}", says.value);
    }
    let Some(own) = own else {
        assert_eq!(told, None, "(9) the listener does not offer it: {id}");
        return;
    };
    assert!(!own.classes().any(|class| says.is_of(class)), "(9) a class of the listener: {id}");
    if offers {
        assert_eq!(told.is_some(), says.value.is_some(), "(9) SOLICIT= of {id} is missing");
        assert!(at != 0 || !says.is_of("a:b"), "(9) {id} went where its class is refused");
        totals.solicited += u64::from(told.is_some() && declared.is_some());
        totals.from_header += u64::from(told.is_some() && declared.is_none());
    }
}
