//! Which senders a client may use: the envelope's, and the authors in the header.
//!
//! Rules of the configuration, the first whose conditions hold is the one. Without any rule
//! everybody may use any sender; with rules, a client that none of them is for may use none:
//! who writes rules says who may do what, and what was forgotten is not allowed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use address::{Domain, ReversePath};
use ipnet::IpNet;

use crate::pattern::{Pattern, PatternError, SenderPattern};

/// One rule; an empty list of conditions is none, an empty list of senders permits any.
#[derive(Debug, Clone, Default)]
pub struct SenderRule {
    /// Condition: users.
    pub login: Vec<Pattern>,
    /// Condition: networks of the client.
    pub client: Vec<IpNet>,
    /// Reverse-paths it permits.
    pub address: Vec<SenderPattern>,
    /// Domains it permits in the header's `From`.
    pub from: Arc<[AuthorDomain]>,
}

impl SenderRule {
    fn is_for(&self, login: Option<&str>, client: IpAddr) -> bool {
        let client = client.to_canonical();
        let named = |login: &str| self.login.iter().any(|pattern| pattern.matches(login));
        (self.login.is_empty() || login.is_some_and(named))
            && (self.client.is_empty() || self.client.iter().any(|net| net.contains(&client)))
    }
}

/// All rules, in their order.
#[derive(Debug, Clone, Default)]
pub struct SenderRules {
    rules: Arc<[SenderRule]>,
}

impl SenderRules {
    /// The rules in their order.
    pub fn new(rules: Vec<SenderRule>) -> Self {
        Self { rules: rules.into() }
    }

    fn find(&self, login: Option<&str>, client: IpAddr) -> Option<&SenderRule> {
        self.rules.iter().find(|rule| rule.is_for(login, client))
    }

    /// Whether this client may send with this reverse-path.
    pub fn permits(&self, login: Option<&str>, client: IpAddr, sender: &ReversePath) -> bool {
        match self.find(login, client) {
            Some(rule) => {
                rule.address.is_empty() || rule.address.iter().any(|one| one.matches(sender))
            }
            None => self.rules.is_empty(),
        }
    }

    /// The domains that this client's authors must be at; `None`: any, or no author at all.
    pub fn author_domains(
        &self,
        login: Option<&str>,
        client: IpAddr,
    ) -> Option<&Arc<[AuthorDomain]>> {
        self.find(login, client).map(|rule| &rule.from).filter(|domains| !domains.is_empty())
    }
}

/// A domain that authors may be at: `corp.example`, `*.corp.example` for all below it, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorDomain {
    /// Any domain name.
    Any,
    /// This one; in A-labels.
    Is(Box<str>),
    /// Those below this one; in A-labels.
    Below(Box<str>),
}

impl AuthorDomain {
    /// Whether it fits. An address literal is no domain name, and fits none.
    pub fn matches(&self, domain: &Domain) -> bool {
        let Domain::Name(name) = domain else { return false };
        match self {
            Self::Any => true,
            Self::Is(domain) => **domain == **name,
            Self::Below(domain) => name
                .strip_suffix(&**domain)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|labels| !labels.is_empty()),
        }
    }

    /// Whether it fits every domain that the other one fits.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (Self::Is(domain), Self::Is(other)) => domain == other,
            (Self::Is(_), Self::Below(_)) => false,
            (Self::Below(domain), Self::Below(other)) if domain == other => true,
            (Self::Below(_), Self::Is(other) | Self::Below(other)) => {
                self.matches(&Domain::Name(other.to_string()))
            }
        }
    }
}

impl FromStr for AuthorDomain {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        match Domain::parse(name) {
            Ok(Domain::Name(name)) if below => Ok(Self::Below(name.into())),
            Ok(Domain::Name(name)) => Ok(Self::Is(name.into())),
            _ => Err(PatternError::AuthorDomain),
        }
    }
}

impl fmt::Display for AuthorDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.pad("*"),
            Self::Is(domain) => f.pad(domain),
            Self::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_another_fits_whatever_it_fits() {
        let all = ["*", "a.example", "*.a.example", "b.a.example", "*.b.a.example", "c.example"];
        let covered = |one: &str| {
            let one: AuthorDomain = one.parse().unwrap();
            let covers = |other: &&str| one.covers(&other.parse().unwrap());
            all.into_iter().filter(covers).collect::<Vec<_>>()
        };
        assert_eq!(covered("*"), all);
        assert_eq!(covered("a.example"), ["a.example"]);
        assert_eq!(covered("*.a.example"), ["*.a.example", "b.a.example", "*.b.a.example"]);
        assert_eq!(covered("b.a.example"), ["b.a.example"]);
        assert_eq!(covered("*.b.a.example"), ["*.b.a.example"]);
    }

    fn path(text: &str) -> ReversePath {
        ReversePath::parse(text).unwrap()
    }

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_rules_everybody_may_use_any_sender() {
        let rules = SenderRules::default();
        assert!(rules.permits(None, client("192.0.2.1"), &path("<a@x.example>")));
        assert!(rules.author_domains(None, client("192.0.2.1")).is_none());
    }

    #[test]
    fn the_first_rule_that_is_for_a_client_is_the_one_and_no_rule_is_no_sender() {
        let erp = SenderRule {
            login: vec!["erp".parse().unwrap()],
            address: vec!["@corp.example".parse().unwrap(), "<>".parse().unwrap()],
            from: [AuthorDomain::Is("corp.example".into())].into(),
            ..SenderRule::default()
        };
        let lan =
            SenderRule { client: vec!["10.1.0.0/16".parse().unwrap()], ..SenderRule::default() };
        let rules = SenderRules::new(vec![erp, lan]);
        let (inside, outside) = (client("::ffff:10.1.2.3"), client("192.0.2.1"));
        assert!(rules.permits(Some("erp"), inside, &path("<a@CORP.example>")));
        assert!(rules.permits(Some("erp"), outside, &path("<>")));
        assert!(!rules.permits(Some("erp"), inside, &path("<a@other.example>")));
        assert!(rules.permits(Some("shop"), inside, &path("<a@other.example>")));
        assert!(rules.permits(None, inside, &path("<>")));
        assert!(!rules.permits(None, outside, &path("<a@corp.example>")));
        assert!(!rules.permits(Some("shop"), outside, &path("<>")));
        assert!(rules.author_domains(Some("erp"), inside).is_some());
        assert!(rules.author_domains(None, inside).is_none());
    }

    #[test]
    fn domains_of_authors_end_at_a_label() {
        let fits = |pattern: &str, domain: &str| {
            pattern.parse::<AuthorDomain>().unwrap().matches(&Domain::parse(domain).unwrap())
        };
        assert!(fits("corp.example", "CORP.example."));
        assert!(!fits("corp.example", "evilcorp.example"));
        assert!(!fits("corp.example", "corp.example.evil"));
        assert!(fits("*.corp.example", "a.b.corp.example"));
        assert!(!fits("*.corp.example", "corp.example"));
        assert!(!fits("*.corp.example", "evilcorp.example"));
        assert!(fits("bücher.example", "xn--bcher-kva.example"));
        assert!(fits("*", "x.example"));
        assert!(!fits("*", "[192.0.2.1]"));
        for wrong in ["", "*.", "*corp.example", "@corp.example", "[192.0.2.1]", "a.*.example"] {
            assert_eq!(wrong.parse::<AuthorDomain>(), Err(PatternError::AuthorDomain), "{wrong}");
        }
        for text in ["*", "corp.example", "*.corp.example"] {
            assert_eq!(text.parse::<AuthorDomain>().unwrap().to_string(), text);
        }
    }
}
