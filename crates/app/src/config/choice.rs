//! Forms with a fixed set of words. A word that is none of them is told all, and
//! the one probably meant.

use suppression::{Basis, Calendar, Kind, Permission, StreamClass};
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::nearest::nearest;

macro_rules! choice {
    (
        $(#[$meta:meta])*
        $name:ident, $form:literal, $example:literal {
            $( $(#[$vmeta:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $( $(#[$vmeta])* $variant, )+ }

        impl $name {
            /// Every word with its meaning.
            pub(crate) const WORDS: &[(&'static str, Self)] = &[ $( ($word, Self::$variant), )+ ];

            /// The word in the configuration.
            pub fn as_str(self) -> &'static str {
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

fn word<F: Form + Copy>(
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
    /// When the smarthost is contacted.
    Contact, "a moment to contact the smarthost", r#""recipient" or "sender""# {
        /// At the first permitted recipient.
        Recipient = "recipient",
        /// At MAIL already.
        Sender = "sender",
    }
}

choice! {
    /// What is done about a suppressed recipient.
    Action, "an action", r#""refuse", "drop" or "shadow""# {
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
    Store, "a way to write addresses down", r#""hashed" or "plain""# {
        /// As a keyed hash only.
        Hashed = "hashed",
        /// Readable.
        Plain = "plain",
    }
}

choice! {
    /// What kind of entries a source gives.
    KindWord, "a kind of entry",
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
    BasisWord, "what a consent rests on", r#""express", "purchase" or "inquiry""# {
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
    /// What kind of mail a stream is.
    ClassWord, "a class of mail", r#""commercial" or "transactional""# {
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
    PermissionWord, "a permission", r#""opt-out" or "opt-in""# {
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
    Mixed, "what to do with a mixed message", r#""defer" or "refuse""# {
        /// 452: the client offers the others in a transaction of their own.
        Defer = "defer",
        /// The whole message is refused.
        Refuse = "refuse",
    }
}

choice! {
    /// Which days are business days.
    CalendarWord, "a calendar", r#""weekdays" or "us-federal""# {
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
    EvidenceSync, "when a record is safe", r#""system" or "always""# {
        /// With the operating system.
        System = "system",
        /// On the disk.
        Always = "always",
    }
}

choice! {
    /// How much is logged.
    Level, "a log level", r#""error", "warn", "info", "debug" or "trace""# {
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
    LogFormat, "a log format", r#""text" or "json""# {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
