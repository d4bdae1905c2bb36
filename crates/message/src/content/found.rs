//! What is found in a message.

use super::problem::Problem;

/// A message, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The values of its Subject fields; one, in a sound message.
    pub subjects: Vec<String>,
    /// Those of the messages that are attached to it, and of its parts.
    pub inner_subjects: Vec<String>,
    /// Every text in it, in its order: those that are shown, those in attached messages, and
    /// those that are attached as files.
    pub texts: Vec<Text>,
    /// Everything that is no text, and texts with a file name, in their order.
    pub attachments: Vec<Attachment>,
    /// What of it is shown when the message is opened.
    pub shown: Shown,
    /// What could not be read. Each kind once.
    pub problems: Vec<Problem>,
}

/// What is shown when a message is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shown {
    /// No text.
    #[default]
    Nothing,
    /// A text, by its place in [`Content::texts`].
    Text(usize),
    /// One below the other.
    All(Vec<Self>),
    /// Only one of them; which one, the mail program chooses (RFC 2046 s5.1.4).
    OneOf(Vec<Self>),
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// As it stands.
    Plain,
    /// HTML.
    Html,
    /// Another `text` type: a calendar, a style sheet, a table.
    Other,
}

/// One text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// How it is written.
    pub kind: TextKind,
    /// Its type, `type/subtype` in lower case, printable ASCII.
    pub media: String,
    /// What a reader sees of it.
    pub visible: String,
    /// All of it, that which is hidden in HTML included, where there is any.
    pub whole: Option<String>,
    /// Links of HTML.
    pub links: Vec<Link>,
}

/// A link in HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it goes to, as it is written.
    pub target: String,
    /// The octets of [`Text::visible`] that are the link; none, if it cannot be seen.
    pub place: std::ops::Range<usize>,
}

/// A file in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Every name it has: mail programs take one or the other. None, if it has none.
    pub names: Vec<String>,
    /// Its declared type, `type/subtype` in lower case, printable ASCII.
    pub media: String,
    /// Names of the type that its first octets are of; none where they tell nothing.
    pub sniffed: &'static [&'static str],
    /// Octets, decoded.
    pub size: u64,
    /// To be shown within the message, as pictures are.
    pub inline: bool,
}

impl Content {
    /// Whether a text is among those that are shown when the message is opened.
    pub fn is_shown(&self, text: usize) -> bool {
        self.shown.contains(text)
    }
}

impl Shown {
    fn contains(&self, text: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(one) => *one == text,
            Self::All(all) | Self::OneOf(all) => all.iter().any(|one| one.contains(text)),
        }
    }
}
