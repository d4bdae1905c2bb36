//! Every reply with the event that brings it.

use std::time::Duration;

use address::ForwardPath;
use evidence::Reference;
use policy::{AuthorFault, Counted, Finding, GateVerdict, Party, Reason, TooMuch};
use smtp_wire::{DataFault, Reply};

use crate::event::OpenFailure;
use crate::replies::{
    Whole, author_refused, bad_line_end, begins_with_space, certificate_needed, class_refused,
    class_refused_there, deferred, discarded, discarded_unseen, eight_bit_not_taken, empty_message,
    evidence_not_written, filter_failed, found, go_ahead, header_too_big, hold_budget_used_up,
    internal, logged_in, login_lost, login_malformed, login_needed, login_refused,
    login_unavailable, login_unknown, loop_detected, message_dropped, need_recipient,
    needs_own_transaction, no_recipient_for_now, no_transaction, no_valid_recipient, not_opened,
    not_taken_again, not_taken_with_classes, out_of_time, recipient_dropped, refused,
    relaying_denied, sender_not_yours, sender_ok, smarthost_lacks, smarthost_takes_no_login,
    solicitation_differs, solicitation_unreadable, too_big, too_big_to_hold, too_many_failures,
    too_many_messages, too_many_of_late, too_many_recipients,
};

/// All of them with the event that brings them, for `docs/replies.md`.
pub fn all() -> Vec<(&'static str, Reply)> {
    let reference = Reference::new(1_772_452_800_000, 7);
    let entry = |scope, subject| suppression::Suppression {
        source: "crm.csv".to_owned(),
        kind: suppression::Kind::OptOut,
        scope,
        subject,
        since: suppression::Day::from_number(20_514),
        position: 1,
    };
    let news = || suppression::Scope::Named("news".to_owned());
    let listed =
        Reason::Suppressed(entry(suppression::Scope::Commercial, suppression::Subject::Address));
    let of_list = Reason::Suppressed(entry(news(), suppression::Subject::Address));
    let of_domain =
        Reason::Suppressed(entry(suppression::Scope::All, suppression::Subject::Domain));
    let no_consent = Reason::NoConsent("news".into());
    let unknown = Reason::Unknown(String::new());
    let class_unknown = Reason::ClassUnknown("net.example:ADV".to_owned(), String::new());
    let whole = |permanent, recipients| Whole {
        permanent,
        stream: Some("news"),
        recipients,
        transaction: &reference,
    };
    let finding = |verdict| Finding {
        gate: "one-click".into(),
        verdict,
        found: "List-Unsubscribe-Post is missing".to_owned(),
        text: None,
    };
    let wait = Duration::from_secs(12);
    let messages = TooMuch { party: Party::Client, counted: Counted::Messages, wait };
    let recipients = TooMuch { party: Party::RecipientDomain, counted: Counted::Recipients, wait };
    let mut replies = vec![
        ("MAIL", sender_ok()),
        ("MAIL of a client that may not relay", relaying_denied()),
        ("MAIL of a client that may relay with a login", login_needed()),
        ("MAIL of such a client, and the smarthost it logs in to was never heard", login_unknown()),
        ("AUTH, and the client has proven who it is", logged_in()),
        ("AUTH, and it has not", login_refused()),
        ("a response of AUTH that breaks the rules of its mechanism", login_malformed()),
        ("AUTH, and the users cannot be looked up now", login_unavailable()),
        ("AUTH after too many failed logins", too_many_failures()),
        ("MAIL of a client that may relay with a certificate", certificate_needed()),
        ("a transaction in which the client has waited for too long", out_of_time()),
        ("MAIL over one of the rates", too_many_messages(&messages)),
        ("MAIL with a sender that is not this client's", sender_not_yours()),
        (
            "the dot, an author that is not this client's",
            author_refused(AuthorFault::Foreign, &reference),
        ),
        (
            "the dot, authors that cannot be told",
            author_refused(AuthorFault::Unreadable, &reference),
        ),
        ("the dot, no author", author_refused(AuthorFault::Missing, &reference)),
        ("an action `drop` recipient", recipient_dropped()),
        ("the dot, when nobody is left under `drop`", message_dropped(&reference)),
        ("a command of a transaction that is gone", no_transaction()),
        ("more recipients than the limit", too_many_recipients()),
        ("DATA without RCPT", need_recipient()),
        ("DATA, every recipient refused", no_valid_recipient()),
        ("DATA, every recipient refused, some only for now", no_recipient_for_now()),
        ("DATA, the smarthost said 354", go_ahead()),
        ("SIZE= or content over the limit", too_big()),
        ("content over the limit of the held way", too_big_to_hold()),
        ("a header that decides, over its limit", header_too_big()),
        ("no room left for held content", hold_budget_used_up()),
        (
            "the dot, a gate refuses what it found",
            found(&finding(GateVerdict::Refuse), None, &reference),
        ),
        (
            "the dot, a gate defers what it found",
            found(&finding(GateVerdict::Defer), None, &reference),
        ),
        ("what a filter wants to discard", discarded(None, &reference)),
        ("the dot, of what a filter wants to discard, under `drop`", discarded_unseen(&reference)),
        ("a filter's answer cannot be used", filter_failed()),
        ("a bare CR in mail data", bad_line_end(DataFault::BareCr)),
        ("a bare LF in mail data", bad_line_end(DataFault::BareLf)),
        ("a NUL in mail data", bad_line_end(DataFault::Nul)),
        ("8-bit content, smarthost without 8BITMIME", eight_bit_not_taken()),
        ("more than 100 Received fields", loop_detected()),
        ("the dot straight after 354", empty_message()),
        ("a space or a tab straight after 354", begins_with_space()),
        ("the smarthost lacks what the envelope needs", smarthost_lacks("SMTPUTF8")),
        (
            "an envelope with the header's classes that was taken without them",
            not_taken_with_classes(),
        ),
        ("a class of solicitation of the listener's", class_refused("net.example:ADV", &reference)),
        ("one of the smarthost's", class_refused_there("net.example:ADV", &reference)),
        ("the dot, SOLICIT= differs from the header", solicitation_differs(&reference)),
        ("the dot, a header Solicitation without end", solicitation_unreadable(&reference)),
        ("the smarthost cannot be reached", not_opened(&OpenFailure::Unreachable)),
        ("too many connections to the smarthost", not_opened(&OpenFailure::Busy)),
        ("AUTH passed through, and the smarthost is not there", smarthost_takes_no_login()),
        ("the smarthost is lost at which the client was logged in", login_lost("HOST")),
        (
            "the smarthost was lost before DATA, and another refuses whom it had taken",
            not_taken_again(),
        ),
        ("the intent cannot be written", evidence_not_written()),
        ("a fault of optgate's own", internal()),
    ];
    if let Ok(path) = ForwardPath::parse("<bob@example.com>") {
        let mut refused = |event, reason| replies.push((event, refused(&path, reason, &reference)));
        refused("a recipient who opted out", &listed);
        refused("a recipient who opted out of one list", &of_list);
        refused("a recipient whose domain opted out", &of_domain);
        refused("a recipient without consent, on a stream that needs it", &no_consent);
        let too_many = too_many_of_late(&path, &recipients, &reference);
        replies.push(("RCPT over one of the rates", too_many));
        replies.push(("a recipient the lists cannot tell", deferred(&path, &unknown, &reference)));
        replies.push((
            "a recipient of whom the lists cannot tell whether a class is refused",
            deferred(&path, &class_unknown, &reference),
        ));
        replies.push((
            "a recipient for whom the header may mean something else than for those before it",
            needs_own_transaction(&path, &reference),
        ));
        let one = |permanent, reason| whole(permanent, 1).one(&path, reason, &reference).text;
        replies.push((
            "the dot, the header has decided for a stream that a recipient opted out of",
            whole(true, 1).reply(&[one(true, &of_list)]),
        ));
        replies.push((
            "the dot, likewise, where others might have got it alone",
            whole(true, 2).reply(&[one(true, &of_list)]),
        ));
        replies.push((
            "the dot, the header has decided for a stream of which nothing is known",
            whole(false, 1).reply(&[one(false, &unknown)]),
        ));
        replies.push((
            "the dot, of a class of the header's of which nothing is known",
            whole(false, 1).reply(&[one(false, &class_unknown)]),
        ));
    }
    replies
}
