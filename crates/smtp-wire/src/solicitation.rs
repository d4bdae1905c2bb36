//! Classes of solicitation: what a message says it is, and what a server refuses. RFC 3865 s2.2.
//!
//! The same list stands behind the keyword NO-SOLICITING, in `SOLICIT=` of MAIL, and in the
//! header field `Solicitation`. Classes match whole and in any case: there is no hierarchy, and
//! `org.example:ADV` is not `org.example:ADV:ADLT`.

/// Octets of a whole list: appendix A.
const LIST_MAX: usize = 1000;

/// A list of classes, as it was written; empty: no class at all, which is what a server without
/// classes of its own offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Solicitation(Box<str>);

impl Solicitation {
    /// Octets of a list that an offer has room for: a line of a reply has at most 512 with its
    /// CRLF (RFC 5321 s4.5.3.1.5), and `250-NO-SOLICITING ` takes 18.
    pub const OFFERED_MAX: usize = 492;

    /// `Solicitation-keywords = word 0*("," word)`, at most 1000 characters. `None`: it is not
    /// one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_list = text.len() <= LIST_MAX && text.split(',').all(is_class);
        is_list.then(|| Self(text.into()))
    }

    /// The list as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// No class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each class.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.0.split(',').filter(|class| !class.is_empty())
    }

    /// The first class of this list that the other one has as well.
    #[must_use]
    pub fn first_of(&self, other: &Self) -> Option<&str> {
        self.classes().find(|class| other.classes().any(|one| one.eq_ignore_ascii_case(class)))
    }

    /// Whether both say the same, which s2.3 wants of the header and the parameter: the same
    /// classes in the same order, in any case.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// What somebody refuses who refuses both: every class once. A class for which there is no
    /// room is left out.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.joined(other, LIST_MAX)
    }

    /// The same, as far as an offer has room for it.
    #[must_use]
    pub fn offered_with(&self, other: &Self) -> Self {
        self.joined(other, Self::OFFERED_MAX)
    }

    /// What both refuse.
    #[must_use]
    pub fn shared(&self, other: &Self) -> Self {
        let both = |class: &&str| other.classes().any(|one| one.eq_ignore_ascii_case(class));
        let classes: Vec<&str> = self.classes().filter(both).collect();
        Self(classes.join(",").into())
    }

    fn joined(&self, other: &Self, max: usize) -> Self {
        let mut all = String::from(&*self.0);
        for class in other.classes() {
            let known = all.split(',').any(|one| one.eq_ignore_ascii_case(class));
            let comma = usize::from(!all.is_empty());
            if !known && all.len() + comma + class.len() <= max {
                if comma == 1 {
                    all.push(',');
                }
                all.push_str(class);
            }
        }
        Self(all.into())
    }
}

/// `word = ALPHA 0*(wordchar)`, `wordchar = "." / "-" / "_" / ":" / ALPHA / DIGIT`.
fn is_class(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Solicitation {
        Solicitation::parse(text).unwrap()
    }

    /// Standards A-T6, A-T7.
    #[test]
    fn the_grammar_knows_no_white_space_and_no_empty_word() {
        for wrong in ["", "a:b, c:d", "a b", "1x:y", "a:b,,c", ",a", "a,", "a=b", "a/b", "\u{e9}"] {
            assert_eq!(Solicitation::parse(wrong), None, "{wrong:?}");
        }
        let longest = format!("a{}", "b".repeat(999));
        assert_eq!(list(&longest).as_str(), longest);
        assert_eq!(Solicitation::parse(&format!("{longest}b")), None);
    }

    /// Standards A-T5.
    #[test]
    fn classes_match_whole_and_in_any_case() {
        let message = list("net.example:ADV,org.example:ADV:ADLT");
        assert_eq!(message.first_of(&list("org.example:ADV")), None);
        assert_eq!(message.first_of(&list("net.example")), None);
        let matched = message.first_of(&list("a:b,ORG.example:adv:ADLT"));
        assert_eq!(matched, Some("org.example:ADV:ADLT"));
        assert_eq!(message.first_of(&Solicitation::default()), None);
        assert_eq!(Solicitation::default().first_of(&message), None);
    }

    #[test]
    fn header_and_parameter_are_the_same_but_for_case() {
        assert!(list("a:b,c:d").is_same(&list("A:b,c:D")));
        assert!(!list("a:b,c:d").is_same(&list("c:d,a:b")));
        assert!(!list("a:b,c:d").is_same(&list("a:b")));
    }

    #[test]
    fn who_refuses_both_refuses_each_once() {
        assert_eq!(list("a:b,c:d").union(&list("C:D,e:f")).as_str(), "a:b,c:d,e:f");
        assert_eq!(Solicitation::default().union(&list("a:b")).as_str(), "a:b");
        assert_eq!(list("a:b").union(&Solicitation::default()).as_str(), "a:b");
        let long = list(&format!("a{}", "b".repeat(996)));
        assert_eq!(long.union(&list("c:d,e")).as_str(), format!("{},e", long.as_str()));
        let longest = list(&format!("a{}", "b".repeat(Solicitation::OFFERED_MAX - 1)));
        assert_eq!(Solicitation::default().offered_with(&longest), longest);
        let (own, longer) = (list("a:b"), list(&format!("{},c:d", longest.as_str())));
        assert_eq!(own.offered_with(&longer).as_str(), "a:b,c:d");
    }

    #[test]
    fn what_both_refuse_is_in_both_lists() {
        assert_eq!(list("a:b,c:d,e:f").shared(&list("E:F,a:b")).as_str(), "a:b,e:f");
        assert_eq!(list("a:b").shared(&list("a")), Solicitation::default());
        assert_eq!(list("a:b").shared(&Solicitation::default()), Solicitation::default());
    }
}
