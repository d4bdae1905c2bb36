//! The form of the classes of solicitation that a listener refuses (RFC 3865 s2.2).

use smtp_wire::Solicitation;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, shortened};
use super::naming::show_list;

/// Classes that a listener refuses; none is a value of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassList(pub(crate) Solicitation);

impl Form for ClassList {
    const NAME: &'static str = "a list of classes";
    const EXAMPLE: &'static str = "[] or [\"net.example:ADV\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut all = Solicitation::default();
        let before = faults.len();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(text) = item.value else {
                faults.push(item.wrong_type::<Self>());
                continue;
            };
            let class = Solicitation::parse(text).filter(|_| !text.contains(','));
            let Some(class) = class else {
                let shown = text.escape_debug().to_string();
                let why = format!("\"{}\" is no class of solicitation", shortened(&shown));
                faults.push(Fault::at(item.span.clone(), why).help(
                    "a letter, then letters, digits and .-_: as in \"net.example:ADV\": a domain \
                     of yours from right to left, a colon, a word",
                ));
                continue;
            };
            all = all.union(&class);
        }
        if faults.len() > before {
            return None;
        }
        if all.as_str().len() > Solicitation::OFFERED_MAX {
            let max = Solicitation::OFFERED_MAX;
            let why = format!("the classes and their commas have more than {max} octets");
            faults.push(given.wrong::<Self>(&format!("{why}, and a reply line no room for them")));
            return None;
        }
        Some(Self(all))
    }
    fn show(&self) -> String {
        show_list(&self.0.classes().map(str::to_owned).collect::<Vec<_>>())
    }
}
