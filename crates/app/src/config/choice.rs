//! Forms with a fixed set of words. A word that is none of them is told all, and
//! the one probably meant.

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
    r#""opt-out", "complaint", "manual", "undeliverable", "consent" or "withdrawn""# {
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
        /// Takes earlier entries back.
        Withdrawn = "withdrawn",
    }
}

choice! {
    /// What an entry of a source forbids.
    ScopeWord, "a scope", r#""commercial" or "all""# {
        /// Commercial mail.
        Commercial = "commercial",
        /// All mail.
        All = "all",
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
