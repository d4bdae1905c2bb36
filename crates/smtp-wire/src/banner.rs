//! The keywords that some servers put into their greeting: `NO UCE`, `NO UBE`, and with them the
//! country and the state whose law the host is under.
//!
//! From draft-hoffman-legis-smtp-banner (1998, expired, never an RFC), in the form in which one
//! of its authors told it again later:
//!
//! ```text
//! 220 MAIL.EXAMPLE.COM   NO UCE C=US L=CA
//! ```
//!
//! Tokens behind the host name, upper case only, parted by spaces; a greeting of several lines is
//! read as one. Only information: nothing is decided by it, for the greeting that matters is that
//! of a recipient's own server, which a client of a smarthost never sees.

/// What a greeting says in keywords.
///
/// ```
/// use smtp_wire::BannerKeywords;
///
/// let found = BannerKeywords::read("mx.example  NO UCE C=US L=CA");
/// assert!(found.no_uce && !found.no_ube);
/// assert_eq!(found.country.as_deref(), Some("US"));
/// assert_eq!(found.locality.as_deref(), Some("CA"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BannerKeywords {
    /// `NO UCE`: no unsolicited commercial mail.
    pub no_uce: bool,
    /// `NO UBE`: no unsolicited bulk mail.
    pub no_ube: bool,
    /// `C=`: the country, as it stands there.
    pub country: Option<String>,
    /// `L=`: the state or locality, as it stands there.
    pub locality: Option<String>,
}

/// Why a text that looks like the keywords is not, or not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearKeywords {
    /// The words are there, but not in upper case, not by themselves, or not one behind the other.
    Spelling,
    /// `NO UCE` or `NO UBE` without `C=` behind it.
    NoCountry,
    /// `NO UCE` or `NO UBE` without `L=` behind it.
    NoLocality,
}

impl BannerKeywords {
    /// Reads the text of a greeting, without its codes; its first word is the host name.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut found = Self::default();
        let mut tokens = text.split_ascii_whitespace().skip(1).peekable();
        while let Some(token) = tokens.next() {
            let behind = found.any();
            match token {
                "NO" => match tokens.peek() {
                    Some(&"UCE") => found.no_uce = true,
                    Some(&"UBE") => found.no_ube = true,
                    _ => {}
                },
                _ if !behind => {}
                _ => {
                    let value = |key| token.strip_prefix(key).filter(|value| !value.is_empty());
                    if let Some(country) = value("C=") {
                        found.country.get_or_insert_with(|| country.to_owned());
                    } else if let Some(locality) = value("L=") {
                        found.locality.get_or_insert_with(|| locality.to_owned());
                    }
                }
            }
        }
        found
    }

    /// Whether it says either.
    #[must_use]
    pub fn any(&self) -> bool {
        self.no_uce || self.no_ube
    }

    /// What a text of one's own lacks of the keywords that it seems to be meant for; it stands
    /// behind the host name.
    #[must_use]
    pub fn near(text: &str) -> Vec<NearKeywords> {
        let found = Self::read(&format!("host {text}"));
        if found.any() {
            let lacks = [
                (found.country.is_none(), NearKeywords::NoCountry),
                (found.locality.is_none(), NearKeywords::NoLocality),
            ];
            return lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        }
        let upper = text.to_ascii_uppercase();
        let mut words = upper.split(|c: char| !c.is_ascii_alphanumeric()).peekable();
        while let Some(word) = words.next() {
            let next = words.peek().copied();
            if matches!(word, "NOUCE" | "NOUBE")
                || (word == "NO" && matches!(next, Some("UCE" | "UBE")))
            {
                return vec![NearKeywords::Spelling];
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (bool, bool, Option<String>, Option<String>) {
        let BannerKeywords { no_uce, no_ube, country, locality } = BannerKeywords::read(text);
        (no_uce, no_ube, country, locality)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_t15_the_keywords_with_country_and_state() {
        assert_eq!(read("mx.example  NO UCE C=US L=CA"), (true, false, some("US"), some("CA")));
        assert_eq!(
            read("MAIL.EXAMPLE.COM  NO UBE C=US L=NY"),
            (false, true, some("US"), some("NY"))
        );
    }

    #[test]
    fn a_t16_what_only_looks_like_them() {
        for text in [
            "mx.example no uce",
            "NOUCE.example",
            "mx.example NO-UCE C=US",
            "mx.example NOUCE",
            "mx.example NO  mail, UCE",
            "mx.example C=US L=CA",
            "mx.example NO",
            "NO UCE",
            "",
        ] {
            assert_eq!(BannerKeywords::read(text), BannerKeywords::default(), "{text}");
        }
    }

    #[test]
    fn among_other_words_and_over_several_lines() {
        assert_eq!(
            read("mx.example NO UCE NO UBE NO RELAY PROBES ESMTP"),
            (true, true, None, None),
            "the default of a well-known library"
        );
        assert_eq!(
            read("mx.example ESMTP of Example\nNO UCE\nC=US L=CA"),
            (true, false, some("US"), some("CA"))
        );
        assert_eq!(read("mx.example NO NO UCE"), (true, false, None, None));
        // Before the keyword they are about something else; of several the first counts.
        assert_eq!(read("mx.example C=DE NO UCE C= C=US C=FR"), (true, false, some("US"), None));
        assert_eq!(read("mx.example NO UCE c=us"), (true, false, None, None));
    }

    #[test]
    fn what_was_meant_for_keywords_and_is_not() {
        use NearKeywords::{NoCountry, NoLocality, Spelling};
        for (text, lacks) in [
            ("NO UCE C=US L=CA", vec![]),
            ("NO UCE", vec![NoCountry, NoLocality]),
            ("NO UBE C=US", vec![NoLocality]),
            ("NO UCE L=CA", vec![NoCountry]),
            ("no uce", vec![Spelling]),
            ("No UCE. Thank you.", vec![Spelling]),
            ("NO-UCE C=US L=CA", vec![Spelling]),
            ("NOUBE", vec![Spelling]),
            ("No unsolicited commercial mail.", vec![]),
            ("We know no rest", vec![]),
        ] {
            assert_eq!(BannerKeywords::near(text), lacks, "{text}");
        }
    }
}
