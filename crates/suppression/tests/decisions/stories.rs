//! Worked examples: what is on record, what became of it, the verdict.

use suppression::{Grace, Kind, Subject};

use crate::ask::{Entry, Message, entry, message, reason};

pub(crate) fn all() -> String {
    let consent = |scope, day| entry(Kind::Consent, scope, day);
    let opt_out = |scope, day| entry(Kind::OptOut, scope, day);
    let told = [
        story(
            "A password reset after an opt-out",
            "She clicked *unsubscribe* in an advertisement. The next day she asks for a new \
             password, and somebody writes an offer to her from Outlook.",
            &[opt_out("commercial", "2026-05-01")],
            &[
                ("the password reset", message("transactional", "2026-05-02")),
                ("the offer from Outlook", message("", "2026-05-02")),
            ],
        ),
        story(
            "One newsletter of two",
            "He left the list `spring`. Mail that was not declared to be about any list might be \
             about that one.",
            &[opt_out("spring", "2026-05-01")],
            &[
                ("newsletter `spring`", message("spring", "2026-06-01")),
                ("newsletter `shoes`", message("shoes", "2026-06-01")),
                ("undeclared mail", message("", "2026-06-01")),
            ],
        ),
        story(
            "Brands",
            "Two brands of one house, each declared as a stream of its own; and a mailing for both.",
            &[opt_out("brand A", "2026-05-01")],
            &[
                ("brand A", message("Brand A", "2026-06-01")),
                ("brand B", message("brand B", "2026-06-01")),
                ("both", message("brand A, brand B", "2026-06-01")),
            ],
        ),
        story(
            "She came back",
            "An opt-out from everything commercial, and a year later she subscribes to `shoes`.",
            &[opt_out("commercial", "2025-05-01"), consent("shoes", "2026-05-20")],
            &[
                ("newsletter `shoes`", message("shoes", "2026-06-01")),
                ("newsletter `spring`", message("spring", "2026-06-01")),
                ("a mailing about both", message("shoes, spring", "2026-06-01")),
            ],
        ),
        story(
            "The consent is older than the opt-out",
            "A list of consents is imported after the opt-out. What counts is when they were given.",
            &[opt_out("commercial", "2026-05-01"), consent("commercial", "2026-04-01")],
            &[("an advertisement", message("", "2026-06-01"))],
        ),
        story(
            "Blocked by hand",
            "A lawyer's letter arrived. Whoever consents later, the block stands until somebody \
             takes it back.",
            &[entry(Kind::Manual, "all", "2026-05-01"), consent("all", "2026-05-20")],
            &[
                ("an advertisement", message("", "2026-06-01")),
                ("an invoice", message("transactional", "2026-06-01")),
            ],
        ),
        story(
            "A customer file imported by mistake",
            "Ten thousand customers became opt-outs on Monday; the import was undone on Tuesday. \
             One of them had really opted out before.",
            &[opt_out("commercial", "2026-04-01"), opt_out("commercial", "2026-05-04").withdrawn()],
            &[("an advertisement to that one", message("", "2026-06-01"))],
        ),
        story(
            "A full mailbox",
            "Mail bounced; the source says that bounces lapse after 90 days.",
            &[entry(Kind::Undeliverable, "all", "2026-05-01").until("2026-07-30")],
            &[
                ("mail of 29 July", message("", "2026-07-29")),
                ("mail of 30 July", message("", "2026-07-30")),
            ],
        ),
        story(
            "A customer in Canada",
            "A purchase implies consent for two years; the stream is `opt-in`.",
            &[consent("commercial", "2024-06-15").until("2026-06-15")],
            &[
                ("an advertisement of 14 June 2026", message("", "2026-06-14").opt_in()),
                ("an advertisement of 15 June 2026", message("", "2026-06-15").opt_in()),
            ],
        ),
        story(
            "A customer who opted out buys again",
            "Buying is not asking for advertisements.",
            &[
                opt_out("commercial", "2026-01-10"),
                consent("commercial", "2026-05-01").until("2028-05-01"),
            ],
            &[
                ("an advertisement", message("", "2026-06-01")),
                ("the invoice", message("transactional", "2026-06-01")),
            ],
        ),
        story(
            "Ten business days",
            "With `grace = \"10 business days\"`, an opt-out of Monday 15 June and the day of the \
             deadline; a complaint knows no grace.",
            &[opt_out("commercial", "2026-06-15")],
            &[
                (
                    "an advertisement of 29 June",
                    message("", "2026-06-29").with_grace(Grace::CAN_SPAM),
                ),
                (
                    "an advertisement of 30 June",
                    message("", "2026-06-30").with_grace(Grace::CAN_SPAM),
                ),
                ("without grace, on 15 June", message("", "2026-06-15")),
            ],
        ),
        story(
            "A company that wants no mail at all",
            "Its whole domain was blocked; its postmaster must stay in reach.",
            &[entry(Kind::Manual, "all", "2026-05-01").of_domain()],
            &[
                ("an invoice to anybody there", message("transactional", "2026-06-01")),
                ("a message to its `postmaster`", message("", "2026-06-01").for_role()),
            ],
        ),
        story(
            "Several that speak against it",
            "Which entry is named when several stop the mail: the strongest (complaint, opt-out, \
             block, bounce), then the widest, then the earliest.",
            &[
                entry(Kind::Undeliverable, "all", "2026-01-01"),
                opt_out("spring", "2026-02-01"),
                opt_out("commercial", "2026-04-01"),
                opt_out("commercial", "2026-03-01"),
                consent("commercial", "2026-03-15"),
            ],
            &[("an advertisement", message("", "2026-06-01"))],
        ),
    ];
    told.concat()
}

fn story(title: &str, text: &str, entries: &[Entry], messages: &[(&str, Message)]) -> String {
    let mut out = format!("### {title}\n\n{}\n\n", wrapped(text));
    out.push_str("| | on record | of | about |");
    for (what, _) in messages {
        out.push_str(&format!(" {what} |"));
    }
    out.push_str("\n| --- | --- | --- | --- |");
    out.push_str(&" --- |".repeat(messages.len()));
    out.push('\n');
    let told: Vec<_> = messages.iter().map(|(_, message)| message.told(entries)).collect();
    for (index, entry) in entries.iter().enumerate() {
        let about = match &entry.origin.subject {
            Subject::Address => format!("`{}`", entry.origin.scope),
            Subject::Domain => format!("`{}`, the whole domain", entry.origin.scope),
            Subject::Hashed(_) => format!("`{}`, by its digest", entry.origin.scope),
        };
        let kind = entry.origin.kind;
        out.push_str(&format!("| {} | `{kind}` | {} | {about} |", index + 1, entry.day));
        for told in &told {
            out.push_str(&format!(" {} |", told.get(index).unwrap()));
        }
        out.push('\n');
    }
    out.push_str("| | verdict | | |");
    for (_, message) in messages {
        out.push_str(&format!(" {} |", reason(&message.decide(entries))));
    }
    out.push_str("\n\n");
    out
}

/// Lines of at most 100 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().unwrap();
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= 100 {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}
