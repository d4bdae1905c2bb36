//! Ready texts for a notice.
//!
//! A text that was used once is never changed: another wording is another version, because the
//! evidence names it by that.

use std::ops::Range;

use super::fault::Fault;
use super::notice_text::{Filling, Piece};

/// A ready text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// What Cal. Bus. & Prof. Code 17538.45 (f)(3) asks a sender to have been told: the provider's
    /// policy on unsolicited electronic mail advertisements, and that its equipment in California
    /// would be used.
    California,
    /// The keywords of 1998, see [`smtp_wire::BannerKeywords`].
    NoUce,
}

impl Ready {
    /// All names.
    pub(crate) const NAMES: [&'static str; 2] = ["california-17538.45", "no-uce"];

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::California, Self::NoUce].into_iter().find(|ready| ready.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::California => "california-17538.45",
            Self::NoUce => "no-uce",
        }
    }

    /// The version of its wording, for the evidence.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::California => "california-17538.45/1",
            Self::NoUce => "no-uce/1",
        }
    }

    /// Tells what it lacks.
    pub(crate) fn check(self, with: &Filling, place: &Range<usize>, faults: &mut Vec<Fault>) {
        let needs = match self {
            Self::California => {
                vec![("provider", with.provider.is_some(), "provider = \"Example Corp\"")]
            }
            Self::NoUce => vec![
                ("country", with.country.is_some(), "country = \"US\""),
                ("state", with.state.is_some(), "state = \"CA\""),
            ],
        };
        for (key, there, example) in needs {
            if !there {
                let message = format!("\"{}\" needs `{key}`", self.name());
                faults.push(Fault::at(place.clone(), message).help(format!("add: {example}")));
            }
        }
        if self == Self::NoUce {
            let code = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
            if let Some(country) = with.country.as_ref().filter(|piece| !code(&piece.text)) {
                let upper = country.text.to_ascii_uppercase();
                let fault = fault(country, "a country is two letters in upper case (ISO 3166)");
                faults.push(match code(&upper) {
                    true => fault.help(format!("write \"{upper}\"")),
                    false => fault.help("for example \"US\""),
                });
            }
            if let Some(state) = with.state.as_ref().filter(|piece| piece.text.contains(' ')) {
                faults.push(fault(state, "the keyword L= is one word").help("for example \"NY\""));
            }
        }
    }

    /// Its wording.
    pub(crate) fn text(self, with: &Filling) -> String {
        let text = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.text.clone());
        match self {
            Self::California => {
                let provider = text(&with.provider).unwrap_or_default();
                let policy =
                    text(&with.policy).map(|place| format!(" ({place})")).unwrap_or_default();
                format!(
                    "It is the policy of {provider}{policy} to prohibit the use of its service and \
                     equipment to send or deliver unsolicited electronic mail advertisements. This \
                     equipment is located in California, USA, and mail given to this server uses \
                     it (Cal. Bus. & Prof. Code 17538.45)."
                )
            }
            Self::NoUce => {
                let bulk = with.bulk.as_ref().is_some_and(|(bulk, _)| *bulk);
                let country = text(&with.country).unwrap_or_default();
                let state = text(&with.state).unwrap_or_default();
                format!("NO UCE{} C={country} L={state}", if bulk { " NO UBE" } else { "" })
            }
        }
    }
}

fn fault(piece: &Piece, message: &str) -> Fault {
    Fault::at(piece.span.clone(), message)
}
