//! Extensions: what a server offers in its reply to EHLO. RFC 5321 s4.1.1.1.
//!
//! One record serves both directions: read from the smarthost's reply, and written into ours.
//! Only what is known here can be offered or used: a keyword nobody here understands is never
//! passed on (RFC 5321 s4.2.4: what is listed must be implemented).

use crate::reply::Reply;
use crate::solicitation::Solicitation;

/// What one side of a connection offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// RFC 1870. `None`: not offered; `Some(0)`: offered without a fixed maximum.
    pub size: Option<u64>,
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531; needs 8BITMIME.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 3865: `SOLICIT=` is understood, and messages of these classes are refused. `None`: not
    /// offered; without a class nothing is refused by it.
    pub no_soliciting: Option<Solicitation>,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 4954: the mechanisms, upper-case; empty if AUTH is not offered.
    pub auth: Vec<String>,
    /// RFC 9422.
    pub limits: Limits,
    /// Postfix's XCLIENT: the attributes that are understood, upper-case; empty if not offered.
    pub xclient: Vec<String>,
    /// Postfix's XFORWARD, likewise.
    pub xforward: Vec<String>,
}

/// What we offer to the client of this session.
pub type Offered = Capabilities;

/// RFC 9422: how much one session or transaction may hold. `None`: not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Recipients of one transaction.
    pub rcpt_max: Option<u32>,
    /// Transactions of one session.
    pub mail_max: Option<u32>,
    /// Recipient domains of one transaction.
    pub rcpt_domain_max: Option<u32>,
}

impl Capabilities {
    /// What a reply to EHLO offers. Its first line is the server's name and greeting; keywords
    /// are not case-sensitive; what is unknown or malformed is as if it were not there.
    ///
    /// `ehlo-line = ehlo-keyword *( SP ehlo-param )`
    #[must_use]
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut offers = Self::default();
        if reply.is_positive() {
            reply.lines().skip(1).for_each(|line| offers.read(line));
        }
        // RFC 6531 s3.1 item 3: an 8-bit address without an 8-bit path makes no sense.
        offers.smtputf8 &= offers.eight_bit_mime;
        offers
    }

    fn read(&mut self, line: &str) {
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => self.size = Some(words.next().and_then(size).unwrap_or(0)),
            "PIPELINING" => self.pipelining = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "NO-SOLICITING" => {
                let classes = words.next().and_then(Solicitation::parse);
                self.no_soliciting = Some(classes.unwrap_or_default());
            }
            "CHUNKING" => self.chunking = true,
            "STARTTLS" => self.starttls = true,
            "AUTH" => {
                let mechanisms = words.filter(|word| is_mechanism(word));
                self.auth = mechanisms.map(str::to_ascii_uppercase).collect();
            }
            "XCLIENT" => self.xclient = words.map(str::to_ascii_uppercase).collect(),
            "XFORWARD" => self.xforward = words.map(str::to_ascii_uppercase).collect(),
            "LIMITS" => words.for_each(|word| self.limits.read(word)),
            _ => {}
        }
    }

    /// What can be promised to a client when `self` and `other` both stand behind the promise.
    ///
    /// SIZE and LIMITS are bounds that any hop can keep by itself, so that the stricter of the two
    /// holds even where only one states it (a SIZE of 0 is no bound). Classes of NO-SOLICITING are
    /// refused that either refuses. XCLIENT and XFORWARD are
    /// between neighbours and promised to nobody else.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let size = match (self.size, other.size) {
            (Some(0), Some(bound)) | (Some(bound), Some(0)) => Some(bound),
            (mine, theirs) => stricter(mine, theirs),
        };
        let auth = self.auth.iter().filter(|name| other.auth.contains(name)).cloned().collect();
        Self {
            size,
            pipelining: self.pipelining && other.pipelining,
            eight_bit_mime: self.eight_bit_mime && other.eight_bit_mime,
            smtputf8: self.smtputf8 && other.smtputf8,
            dsn: self.dsn && other.dsn,
            enhanced_status_codes: self.enhanced_status_codes && other.enhanced_status_codes,
            no_soliciting: match (&self.no_soliciting, &other.no_soliciting) {
                (Some(mine), Some(theirs)) => Some(mine.union(theirs)),
                _ => None,
            },
            chunking: self.chunking && other.chunking,
            starttls: self.starttls && other.starttls,
            auth,
            limits: Limits {
                rcpt_max: stricter(self.limits.rcpt_max, other.limits.rcpt_max),
                mail_max: stricter(self.limits.mail_max, other.limits.mail_max),
                rcpt_domain_max: stricter(
                    self.limits.rcpt_domain_max,
                    other.limits.rcpt_domain_max,
                ),
            },
            xclient: Vec::new(),
            xforward: Vec::new(),
        }
    }

    /// The reply to EHLO of a server of that name. Without an enhanced code: RFC 2034 s3.
    #[must_use]
    pub fn to_reply(&self, hostname: &str) -> Reply {
        let mut lines = vec![hostname.to_owned()];
        let mut flag = |set: bool, keyword: &str| {
            if set {
                lines.push(keyword.to_owned());
            }
        };
        flag(self.pipelining, "PIPELINING");
        match self.size {
            None => {}
            Some(0) => flag(true, "SIZE"),
            Some(bound) => flag(true, &format!("SIZE {bound}")),
        }
        flag(self.eight_bit_mime, "8BITMIME");
        flag(self.smtputf8, "SMTPUTF8");
        flag(self.dsn, "DSN");
        flag(self.enhanced_status_codes, "ENHANCEDSTATUSCODES");
        match &self.no_soliciting {
            None => {}
            Some(classes) if classes.is_empty() => flag(true, "NO-SOLICITING"),
            Some(classes) => flag(true, &format!("NO-SOLICITING {}", classes.as_str())),
        }
        flag(self.chunking, "CHUNKING");
        flag(self.starttls, "STARTTLS");
        flag(!self.auth.is_empty(), &format!("AUTH {}", self.auth.join(" ")));
        flag(!self.xclient.is_empty(), &format!("XCLIENT {}", self.xclient.join(" ")));
        flag(!self.xforward.is_empty(), &format!("XFORWARD {}", self.xforward.join(" ")));
        let limits = self.limits.to_words();
        flag(!limits.is_empty(), &format!("LIMITS{limits}"));
        Reply::plain(250, lines.join("\n"))
    }

    /// Appends that reply as it is sent.
    pub fn encode(&self, hostname: &str, out: &mut Vec<u8>) {
        self.to_reply(hostname).encode(out);
    }
}

impl Limits {
    /// `limit = name [ "=" value ]`; the three known ones are numbers of 1 to 6 digits.
    fn read(&mut self, word: &str) {
        let Some((name, value)) = word.split_once('=') else { return };
        let digits = matches!(value.len(), 1..=6) && value.bytes().all(|b| b.is_ascii_digit());
        let Some(bound) = value.parse().ok().filter(|_| digits && !value.starts_with('0')) else {
            return;
        };
        match name.to_ascii_uppercase().as_str() {
            "RCPTMAX" => self.rcpt_max = Some(bound),
            "MAILMAX" => self.mail_max = Some(bound),
            "RCPTDOMAINMAX" => self.rcpt_domain_max = Some(bound),
            _ => {}
        }
    }

    fn to_words(self) -> String {
        let known = [
            ("RCPTMAX", self.rcpt_max),
            ("MAILMAX", self.mail_max),
            ("RCPTDOMAINMAX", self.rcpt_domain_max),
        ];
        let stated = known.iter().filter_map(|(name, bound)| Some((name, (*bound)?)));
        stated.map(|(name, bound)| format!(" {name}={}", bound.min(999_999))).collect()
    }
}

/// `size-value = 1*20DIGIT` (RFC 1870 s3, s6). Twenty digits may exceed 64 bits, and no message
/// does, so that they saturate.
pub(crate) fn size(digits: &str) -> Option<u64> {
    let plain = matches!(digits.len(), 1..=20) && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// `sasl-mech = 1*20mech-char`, `mech-char = ALPHA / DIGIT / "-" / "_"` (RFC 4422 s3.1).
pub(crate) fn is_mechanism(word: &str) -> bool {
    matches!(word.len(), 1..=20)
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn stricter<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
