use std::future::{pending, poll_fn, ready};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use address::{Canonical, ForwardPath, PersonRules};
use policy::{
    Action, Carried, Inquiry, Lists, LookUp, OptOutGate, Question, Reason, Ruling, Streams, Verdict,
};
use suppression::{AddressKeys, Day, Digest};

use super::*;

struct Later;

impl Lists for Later {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, _: &Inquiry<'_>) -> LookUp {
        LookUp::Later
    }

    fn epoch(&self) -> u64 {
        7
    }
}

fn asked(path: &str) -> Box<Asked> {
    let streams = Arc::new(Streams::default());
    let possible = streams.fallback();
    let gate = OptOutGate::new(Arc::new(Later), PersonRules::default(), Vec::new(), streams);
    let path = ForwardPath::parse(path).unwrap();
    match gate.judge(path, Action::Refuse, &possible, Carried::Unknown, Day::from_number(20_600)) {
        Ruling::Ask(asked) => asked,
        Ruling::Decided(decision) => panic!("decided: {decision:?}"),
    }
}

/// Answers as it is told to, and remembers what it was asked.
struct Played {
    asked: Mutex<Vec<Vec<String>>>,
    answer: fn(usize) -> Answering,
}

impl Played {
    fn new(answer: fn(usize) -> Answering) -> Self {
        Self { asked: Mutex::default(), answer }
    }
}

impl LiveLists for Played {
    fn ask(&self, questions: Vec<Question>) -> Answering {
        let written = questions.iter().map(|one| one.written.clone()).collect();
        self.asked.lock().unwrap().push(written);
        (self.answer)(questions.len())
    }
}

fn clear() -> Answered {
    Answered { lookups: [Lookup::Clear].into(), epoch: 8 }
}

fn poll(asking: &mut Asking) -> Poll<Vec<LookedUp>> {
    asking.poll(&mut Context::from_waker(Waker::noop()))
}

/// Two recipients of one turn; what became of each, with the epoch.
fn play(lists: Option<&Played>) -> Vec<(String, u64)> {
    let mut asking = Asking::default();
    asking.add(QuestionId(1), asked("<A@there.example>"));
    asking.add(QuestionId(2), asked("<\"b\"@There.example>"));
    let mut found = asking.send(lists.map(|lists| lists as &dyn LiveLists));
    if let Poll::Ready(answers) = poll(&mut asking) {
        found.extend(answers);
    }
    assert!(poll(&mut asking).is_pending(), "answered once");
    let ids: Vec<_> = found.iter().map(|(id, ..)| id.0).collect();
    assert_eq!(ids, [1, 2]);
    let word = |(_, asked, lookups): LookedUp| {
        let decision = asked.resolve(lookups);
        let word = match decision.verdict {
            Verdict::Permit(..) => "permit".to_owned(),
            Verdict::Defer(_, Reason::Unknown(why)) => why,
            other => panic!("{other:?}"),
        };
        (word, decision.facts.epoch)
    };
    found.into_iter().map(word).collect()
}

fn deferred(found: &[(String, u64)], why: &str) {
    assert!(found.iter().all(|(word, _)| word == why), "{found:?}");
}

#[test]
fn recipients_of_one_turn_are_one_question_and_get_their_own_answers() {
    let lists = Played::new(|count| Box::pin(ready(vec![clear(); count])));
    let found = play(Some(&lists));
    assert_eq!(found, [("permit".to_owned(), 8), ("permit".to_owned(), 8)]);
    let asked = lists.asked.lock().unwrap();
    assert_eq!(*asked, [["A@there.example".to_owned(), "\"b\"@There.example".to_owned()]]);
}

#[test]
fn an_answer_too_few_defers_whom_it_is_about() {
    let found = play(Some(&Played::new(|_| Box::pin(ready(vec![clear()])))));
    assert_eq!(found, [("permit".to_owned(), 8), ("no answer".to_owned(), 7)]);
    let nothing = Answered { lookups: Lookups::new(), epoch: 8 };
    assert_eq!(
        complete(vec![(QuestionId(1), asked("<a@b.example>"))], vec![nothing], "x").len(),
        1
    );
}

#[test]
fn a_fault_in_the_lists_defers_everybody() {
    let why = "the look-up ended by a fault of its own";
    deferred(&play(Some(&Played::new(|_| panic!("while asked")))), why);
    let later: fn(usize) -> Answering = |_| Box::pin(poll_fn(|_| panic!("while answering")));
    deferred(&play(Some(&Played::new(later))), why);
    deferred(&play(None), "no live list is configured");
}

#[test]
fn groups_are_answered_in_any_order_and_forgotten_with_the_session() {
    let never = Played::new(|_| Box::pin(pending()));
    let at_once = Played::new(|count| Box::pin(ready(vec![clear(); count])));
    let mut asking = Asking::default();
    asking.add(QuestionId(1), asked("<a@there.example>"));
    assert!(asking.send(Some(&never)).is_empty());
    asking.add(QuestionId(2), asked("<b@there.example>"));
    assert!(asking.send(Some(&at_once)).is_empty());
    let Poll::Ready(answers) = poll(&mut asking) else { panic!("no answer") };
    assert_eq!(answers[0].0, QuestionId(2));
    assert_eq!(asking.groups.len(), 1);
    asking.forget();
    assert!(asking.groups.is_empty() && poll(&mut asking).is_pending());
    assert!(asking.send(Some(&at_once)).is_empty(), "nothing came up, nobody is asked");
    assert_eq!(at_once.asked.lock().unwrap().len(), 1);
}
