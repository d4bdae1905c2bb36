//! Brevo (Sendinblue): blocked contacts of the transactional side, and the export of contacts.

use suppression::Kind;

use super::look::Look;
use super::provider::{ANY, Clues, Provider, Said, Standing};
use super::words::{self, Word};

pub(super) const ALL: [Provider; 3] = [
    Provider {
        name: "Brevo's blocked contacts",
        fits: |look| look.has_all(&["email", "senderemail", "blockedat"]),
        email: &["email"],
        date: &["blockedat"],
        reason: &["reasonmessage", "reasoncode"],
        asks: &["reasoncode", "reason"],
        says: of_code,
        ..ANY
    },
    Provider {
        name: "Brevo's contacts, with what they agreed to",
        fits: |look| is_contacts(look) && look.names.iter().any(|name| is_status(name)),
        email: &["email"],
        date: &["modifiedtime"],
        others: |look, at| look.names.get(at).is_some_and(|name| is_status(name)),
        says: of_status,
        ..ANY
    },
    Provider {
        name: "Brevo's contacts",
        fits: is_contacts,
        email: &["email"],
        says: |cells, said| match cells.everybody {
            true => {
                said.push(Said::nothing());
                Ok(())
            }
            false => Err("may be mailed"),
        },
        standing: Standing::In(
            "this looks like Brevo's export of contacts, and no column says who of them is \
             blocklisted",
        ),
        ..ANY
    },
];

fn of_code(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    let code = if cells.at(0).is_empty() { cells.at(1) } else { cells.at(0) };
    said.push(match words::kind(code) {
        Word::Kind(kind) if kind != Kind::Consent => Said::of(kind),
        Word::Default => Said::nothing(),
        _ => Said::odd(),
    });
    Ok(())
}

fn is_contacts(look: &Look<'_>) -> bool {
    look.has_all(&["email", "addedtime", "modifiedtime"]) || look.has_all(&["email", "listids"])
}

/// The state of a contact for mail: not for text messages.
fn is_status(name: &str) -> bool {
    let name = crate::columns::plain(name);
    (name.contains("email") || name == "status" || name == "blocklisted")
        && (name.contains("status") || name.contains("blocklisted") || name.contains("blacklisted"))
}

fn of_status(cells: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    for (name, cell) in cells.others {
        let flag = name.to_lowercase().contains("listed");
        match (words::kind(cell), words::yes(cell)) {
            (_, Some(true)) if flag => said.push(Said::of(Kind::OptOut)),
            (Word::Kind(kind), _) if kind != Kind::Consent => said.push(Said::of(kind)),
            _ => {}
        }
    }
    if said.is_empty() { Err("is not blocklisted") } else { Ok(()) }
}
