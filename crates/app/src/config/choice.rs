//! Forms with a fixed set of words. A word that is none of them is told all, and
//! the one probably meant.

use suppression::{Basis, Calendar, HashAlgorithm, Kind, Normalise, Permission, StreamClass};
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::nearest::nearest;

macro_rules! choice {
    (
        $(#[$meta:meta])*
        $vis:vis $name:ident, $form:literal, $example:literal {
            $( $(#[$vmeta:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        $vis enum $name { $( $(#[$vmeta])* $variant, )+ }

        impl $name {
            /// Every word with its meaning.
            pub(crate) const WORDS: &[(&'static str, Self)] = &[ $( ($word, Self::$variant), )+ ];

            /// The word in the configuration.
            $vis fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                word(given, Self::WORDS, faults)
            }
            fn show(&self) -> String { quoted(self.as_str()) }
        }
    };
}

pub(crate) use choice;

pub(crate) fn word<F: Form + Copy>(
    given: &Given<'_>,
    words: &[(&'static str, F)],
    faults: &mut Vec<Fault>,
) -> Option<F> {
    let text = match given.value {
        DeValue::String(s) => s.as_ref(),
        _ => {
            faults.push(given.wrong_type::<F>());
            return None;
        }
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let mut fault = Fault::at(given.span.clone(), format!("\"{text}\" is not {}", F::NAME))
        .label(format!("expected {}", F::EXAMPLE));
    if let Some(near) = nearest(text, words.iter().map(|(word, _)| *word)) {
        fault = fault.help(format!("did you mean \"{near}\"?"));
    }
    faults.push(fault);
    None
}

choice! {
    /// When a client is refused that may not relay.
    pub RefuseAt, "a moment to refuse clients", r#""greeting" or "mail""# {
        /// Instead of the greeting.
        Greeting = "greeting",
        /// At MAIL.
        Mail = "mail",
    }
}

choice! {
    /// What is done with a long greeting.
    pub(crate) NoticeLines, "a way to greet at length", r#""one" or "wrap""# {
        /// It is a fault.
        One = "one",
        /// It has several lines.
        Wrap = "wrap",
    }
}

choice! {
    /// Whom a client logs in to.
    pub(crate) AuthWord, "whom clients log in to", r#""off", "users" or "smarthost""# {
        /// Nobody.
        Off = "off",
        /// This gate, as one of its own users.
        Users = "users",
        /// The smarthost: the exchange is passed through.
        Smarthost = "smarthost",
    }
}

choice! {
    /// The way of mail data.
    pub Way, "a way of mail data", r#""through" or "held""# {
        /// As it comes; only the final dot is kept back.
        Through = "through",
        /// Kept until it is complete.
        Held = "held",
    }
}

choice! {
    /// When the smarthost is contacted.
    pub Contact, "a moment to contact the smarthost", r#""recipient" or "sender""# {
        /// At the first permitted recipient.
        Recipient = "recipient",
        /// At MAIL already.
        Sender = "sender",
    }
}

choice! {
    /// TLS of a listener.
    pub ListenerTls, "a way to begin TLS", r#""off", "starttls", "required" or "implicit""# {
        /// None.
        Off = "off",
        /// Offered.
        StartTls = "starttls",
        /// Without it nothing else.
        Required = "required",
        /// Before the greeting.
        Implicit = "implicit",
    }
}

choice! {
    /// TLS towards a smarthost.
    pub SmarthostTls, "a way to use TLS", r#""off", "opportunistic", "required" or "implicit""# {
        /// None.
        Off = "off",
        /// Where it is offered, with whoever answers.
        Opportunistic = "opportunistic",
        /// STARTTLS, verified.
        Required = "required",
        /// From the first byte on, verified.
        Implicit = "implicit",
    }
}

choice! {
    /// Who a smarthost takes us for.
    pub Identity, "a way to tell who the client is", r#""off", "xforward" or "xclient""# {
        /// Ourselves.
        Off = "off",
        /// Ourselves, and its log names the client.
        Xforward = "xforward",
        /// The client.
        Xclient = "xclient",
    }
}

choice! {
    /// What becomes of mail when a milter fails.
    pub(crate) FailureWord, "what becomes of mail then", r#""defer" or "permit""# {
        /// 451.
        Defer = "defer",
        /// It goes on without.
        Permit = "permit",
    }
}

choice! {
    /// What is done about a suppressed recipient.
    pub Action, "an action", r#""refuse", "drop" or "shadow""# {
        /// 550.
        Refuse = "refuse",
        /// 250, not forwarded, recorded.
        Drop = "drop",
        /// Forwarded, recorded what would have been done.
        Shadow = "shadow",
    }
}

choice! {
    /// How an address is written down.
    pub Store, "a way to write addresses down", r#""hashed" or "plain""# {
        /// As a keyed hash only.
        Hashed = "hashed",
        /// Readable.
        Plain = "plain",
    }
}

choice! {
    /// What kind of entries a source gives.
    pub KindWord, "a kind of entry",
    r#""opt-out", "complaint", "manual", "undeliverable" or "consent""# {
        /// The person said no.
        OptOut = "opt-out",
        /// The person complained.
        Complaint = "complaint",
        /// Blocked by hand.
        Manual = "manual",
        /// Mail bounced.
        Undeliverable = "undeliverable",
        /// The person said yes.
        Consent = "consent",
    }
}

impl From<KindWord> for Kind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::OptOut => Self::OptOut,
            KindWord::Complaint => Self::Complaint,
            KindWord::Manual => Self::Manual,
            KindWord::Undeliverable => Self::Undeliverable,
            KindWord::Consent => Self::Consent,
        }
    }
}

choice! {
    /// What a consent rests on.
    pub BasisWord, "what a consent rests on", r#""express", "purchase" or "inquiry""# {
        /// The person said so.
        Express = "express",
        /// The person bought something.
        Purchase = "purchase",
        /// The person asked about something.
        Inquiry = "inquiry",
    }
}

impl From<BasisWord> for Basis {
    fn from(word: BasisWord) -> Self {
        match word {
            BasisWord::Express => Self::Express,
            BasisWord::Purchase => Self::Purchase,
            BasisWord::Inquiry => Self::Inquiry,
        }
    }
}

choice! {
    /// How a source is used.
    pub(crate) ModeWord, "a mode", r#""sync" or "live""# {
        /// Read into the ledger.
        Sync = "sync",
        /// Asked about each recipient.
        Live = "live",
    }
}

choice! {
    /// How a connection to a source is protected.
    pub(crate) TlsWord, "a protection", r#""verify", "unverified" or "off""# {
        /// Encrypted, to a server that is verified.
        Verify = "verify",
        /// Encrypted, to whoever answers.
        Unverified = "unverified",
        /// Not at all.
        Off = "off",
    }
}

choice! {
    /// Which digests a list holds.
    pub HashWord, "a digest", r#""md5", "sha1", "sha256" or "sha512""# {
        /// RFC 1321.
        Md5 = "md5",
        /// FIPS 180-4.
        Sha1 = "sha1",
        /// FIPS 180-4.
        Sha256 = "sha256",
        /// FIPS 180-4.
        Sha512 = "sha512",
    }
}

impl From<HashWord> for HashAlgorithm {
    fn from(word: HashWord) -> Self {
        match word {
            HashWord::Md5 => Self::Md5,
            HashWord::Sha1 => Self::Sha1,
            HashWord::Sha256 => Self::Sha256,
            HashWord::Sha512 => Self::Sha512,
        }
    }
}

choice! {
    /// What is done to an address before it is hashed.
    pub NormaliseWord, "a form of addresses", r#""lower", "lower-domain" or "as-is""# {
        /// All of it in lower case.
        Lower = "lower",
        /// Its domain in lower case.
        LowerDomain = "lower-domain",
        /// Nothing.
        AsIs = "as-is",
    }
}

impl From<NormaliseWord> for Normalise {
    fn from(word: NormaliseWord) -> Self {
        match word {
            NormaliseWord::Lower => Self::Lower,
            NormaliseWord::LowerDomain => Self::LowerDomain,
            NormaliseWord::AsIs => Self::AsIs,
        }
    }
}

choice! {
    /// Where a salt stands.
    pub(crate) SaltPlaceWord, "a place", r#""before" or "behind""# {
        /// Before the address.
        Before = "before",
        /// Behind it.
        Behind = "behind",
    }
}

choice! {
    /// What kind of mail a stream is.
    pub ClassWord, "a class of mail", r#""commercial" or "transactional""# {
        /// Everything that is not declared otherwise.
        Commercial = "commercial",
        /// What a person asked for or must get.
        Transactional = "transactional",
    }
}

impl From<ClassWord> for StreamClass {
    fn from(word: ClassWord) -> Self {
        match word {
            ClassWord::Commercial => Self::Commercial,
            ClassWord::Transactional => Self::Transactional,
        }
    }
}

choice! {
    /// Whom a stream may reach.
    pub PermissionWord, "a permission", r#""opt-out" or "opt-in""# {
        /// Everybody but those who objected.
        OptOut = "opt-out",
        /// Only those who agreed.
        OptIn = "opt-in",
    }
}

impl From<PermissionWord> for Permission {
    fn from(word: PermissionWord) -> Self {
        match word {
            PermissionWord::OptOut => Self::OptOut,
            PermissionWord::OptIn => Self::OptIn,
        }
    }
}

choice! {
    /// What is done when the recipients of one message cannot be decided together.
    pub Mixed, "what to do with a mixed message", r#""defer" or "refuse""# {
        /// 452: the client offers the others in a transaction of their own.
        Defer = "defer",
        /// The whole message is refused.
        Refuse = "refuse",
    }
}

choice! {
    /// Which days are business days.
    pub CalendarWord, "a calendar", r#""weekdays" or "us-federal""# {
        /// Monday to Friday.
        Weekdays = "weekdays",
        /// Without the federal holidays of the United States.
        UsFederal = "us-federal",
    }
}

impl From<CalendarWord> for Calendar {
    fn from(word: CalendarWord) -> Self {
        match word {
            CalendarWord::Weekdays => Self::Weekdays,
            CalendarWord::UsFederal => Self::UsFederal,
        }
    }
}

choice! {
    /// When a record of evidence is safe enough to go on.
    pub EvidenceSync, "when a record is safe", r#""system" or "always""# {
        /// With the operating system.
        System = "system",
        /// On the disk.
        Always = "always",
    }
}

choice! {
    /// How much is logged.
    pub Level, "a log level", r#""error", "warn", "info", "debug" or "trace""# {
        /// What went wrong.
        Error = "error",
        /// And what may go wrong.
        Warn = "warn",
        /// And what happened.
        Info = "info",
        /// And why.
        Debug = "debug",
        /// And every step.
        Trace = "trace",
    }
}

choice! {
    /// The shape of the log.
    pub LogFormat, "a log format", r#""text" or "json""# {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
