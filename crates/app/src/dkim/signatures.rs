//! Which signatures a message gets, and the fields they cover.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{Algorithm, DkimKey, Sha256, SigningKey};
use mail_auth::common::headers::{HeaderWriter, Writable};
use mail_auth::dkim::{Canonicalization, DkimSigner};
use message::{Field, Header};
use policy::{AuthorDomain, check_authors};
use proxy::{FileFault, Signer};

use super::key::Key;

/// Fields that are signed whether they are there or not, once more often than they are: nobody
/// can add another one behind the signature (RFC 6376 s5.4.2, s8.15).
const SEALED: [&str; 11] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Fields that are signed where they are there (RFC 6376 s5.4.1). The two about unsubscribing must
/// be (RFC 8058 s3.1), and so must those of complaint feedback (RFC 9477).
const SIGNED: [&str; 16] = [
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "CFBL-Address",
    "CFBL-Feedback-ID",
    "Feedback-ID",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Help",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "Content-ID",
    "Content-Description",
    "Content-Disposition",
];

/// One signature, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSettings {
    /// The domain that signs (`d=`).
    pub domain: String,
    /// Whose authors' messages it signs: the domain itself, and perhaps those below it.
    pub authors: Vec<AuthorDomain>,
    /// The selector (`s=`).
    pub selector: String,
    /// The private key.
    pub key: PathBuf,
    /// Further fields to sign where they are there.
    pub fields: Vec<String>,
}

/// One signature, its key read.
#[derive(Debug)]
pub struct SigningDomain {
    settings: SigningSettings,
    key: ArcSwap<Key>,
}

impl SigningDomain {
    /// Reads the key.
    ///
    /// # Errors
    /// What is wrong with its file.
    pub fn read(settings: SigningSettings) -> Result<Self, FileFault> {
        let key = ArcSwap::from_pointee(Key::read(&settings.key)?);
        Ok(Self { settings, key })
    }

    /// Reads the key again if its file has changed. One that cannot be used leaves the one
    /// before it in place. Blocks: not for the path of a message.
    pub fn refresh(&self) -> Refreshed {
        if !self.key.load().file().has_changed() {
            return Refreshed::Same;
        }
        match Key::read(&self.settings.key) {
            Ok(key) => {
                self.key.store(Arc::new(key));
                Refreshed::Read
            }
            Err(fault) => Refreshed::Kept(fault),
        }
    }

    /// Its settings.
    pub fn settings(&self) -> &SigningSettings {
        &self.settings
    }

    /// The signature as a field with its line ends; `None`: it is not for this message's author.
    fn sign(&self, content: &[u8], header: &Fields<'_>) -> Option<Result<String, String>> {
        if check_authors(header.author()?, &self.settings.authors).is_err() {
            return None;
        }
        let key = self.key.load();
        let signer = DkimSigner::from_key(Borrowed(&key.signing))
            .domain(self.settings.domain.as_str())
            .selector(self.settings.selector.as_str())
            .headers(self.covered(header))
            .header_canonicalization(Canonicalization::Relaxed)
            .body_canonicalization(Canonicalization::Relaxed);
        let signed = signer.sign(content).map(|signature| signature.to_header());
        Some(signed.map_err(|error| format!("DKIM for {}: {error}", self.settings.domain)))
    }

    /// The names for `h=`: a name that stands here once more than the message has it seals it.
    fn covered(&self, header: &Fields<'_>) -> Vec<String> {
        let sealed = SEALED.iter().flat_map(|name| {
            let twice = header.has(name);
            std::iter::repeat_n((*name).to_owned(), if twice { 2 } else { 1 })
        });
        let further = self.settings.fields.iter().map(String::as_str);
        let signed = SIGNED
            .iter()
            .copied()
            .chain(further)
            .filter(|name| header.has(name))
            .map(str::to_owned);
        let mut all: Vec<String> = sealed.collect();
        for name in signed {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                all.push(name);
            }
        }
        all
    }
}

/// What became of a key's file.
#[derive(Debug)]
pub enum Refreshed {
    /// It is as it was.
    Same,
    /// It has changed, and is in use.
    Read,
    /// It has changed, and cannot be used; the one before it still is.
    Kept(FileFault),
}

/// The signatures of one listener's mail.
#[derive(Debug)]
pub struct Signatures(pub Vec<Arc<SigningDomain>>);

impl Signer for Signatures {
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        let Some(read) = AuthenticatedMessage::parse(content) else { return Ok(Vec::new()) };
        let header = Fields::of(content, &read);
        let content = without_blank_end(content, read.body_offset as usize);
        let mut fields = Vec::new();
        for one in &self.0 {
            if let Some(field) = one.sign(content, &header) {
                fields.extend_from_slice(field?.as_bytes());
            }
        }
        Ok(fields)
    }
}

/// The content as far as its body counts for a signature: white space at the ends of lines goes
/// first, and then the empty lines at the end (RFC 6376 s3.4.4). The library that signs keeps
/// last lines that hold white space alone, and nobody could verify what it makes of them.
fn without_blank_end(content: &[u8], body: usize) -> &[u8] {
    let mut rest = content.get(body..).unwrap_or_default();
    while let Some(line) = rest.strip_suffix(b"\r\n") {
        let blanks = line.iter().rev().take_while(|&&octet| octet == b' ' || octet == b'\t');
        match line.split_at_checked(line.len() - blanks.count()) {
            Some((before, _)) if before.is_empty() || before.ends_with(b"\n") => rest = before,
            _ => break,
        }
    }
    content.get(..body + rest.len()).unwrap_or(content)
}

/// The header as the library that signs reads it, so that what is looked at here is what is
/// signed there.
struct Fields<'a> {
    all: &'a [(&'a [u8], &'a [u8])],
    /// The value of the only From, unfolded.
    author: Option<String>,
}

impl<'a> Fields<'a> {
    fn of(content: &[u8], read: &'a AuthenticatedMessage<'_>) -> Self {
        Self { all: &read.headers, author: author(&Header::parse(content)) }
    }

    fn author(&self) -> Option<&str> {
        self.author.as_deref()
    }

    fn has(&self, wanted: &str) -> bool {
        self.all.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

/// Whose message it is, where everybody who reads it finds the same author.
///
/// Of two authors each reader takes the one it likes, and nobody vouches for both. The signer ends
/// the header at a line that is no field, and seals it there; a reader that passes over that line
/// sees fields behind it that belong to the body for the signature, and are not what it covers
/// (RFC 6376 s8.15). A blank before the colon (RFC 5322 s4.5) hides a name from the signer.
fn author(header: &Header) -> Option<String> {
    let sealed = |field: &&Field| SEALED.iter().any(|name| field.is(name));
    if header.iter().filter(sealed).any(|field| !field.is_certain()) {
        return None;
    }
    let mut authors = header.named("From");
    let only = authors.next().filter(|_| authors.next().is_none())?;
    (!only.is_obsolete()).then(|| only.unfolded())
}

/// A key in use, which a signer wants to own.
struct Borrowed<'a>(&'a DkimKey);

impl SigningKey for Borrowed<'_> {
    type Hasher = Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        self.0.sign(input)
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }
}
