//! A message shown to one milter as it comes in: its fields, the end of the header, its body, the
//! end.

use message::{Section, SectionReader};
use milter::{BODY_CHUNK_MAX, Macros, MilterError, Step, Verdict};

use super::link::{Failure, Link};

/// How far a milter has been shown a message.
#[derive(Debug, Default)]
pub(super) struct Showing {
    reader: SectionReader,
    /// It was told that content comes.
    begun: bool,
    /// It was shown some of it, and then waited for more.
    waited: bool,
}

/// How much of a message a verdict is about.
pub(super) enum Shown {
    /// The next piece, if there is one, is to follow.
    SoFar,
    Whole(Verdict),
    /// It was said before the end, and there will be no other.
    InPart(Verdict),
}

impl Showing {
    /// Whether it was told anything of the content.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// A failure on the way. A client can bring it about that one is lost that waits for more.
    pub(super) fn failed(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Lost(why) if self.waited => Failure::LostAmid(why),
            failure => failure,
        }
    }

    /// Shows the next piece, until the milter has made up its mind. `last`: none follows.
    pub(super) async fn piece(
        &mut self,
        link: &mut Link,
        mut piece: &[u8],
        last: bool,
        macros: &Macros,
    ) -> Result<Shown, Failure> {
        if !std::mem::replace(&mut self.begun, true) {
            let awaits = link.connection().data(macros)?;
            let verdict = link.verdict(awaits).await?;
            if !goes_on(&verdict) {
                return Ok(Shown::InPart(verdict));
            }
        }
        while let Some(section) = self.reader.next(&mut piece, last) {
            let verdict = match section {
                Section::Field(field) if tells(link, Step::Header) => {
                    let awaits = link.connection().header(field.name(), field.value())?;
                    link.verdict(awaits).await?
                }
                Section::Field(_) => continue,
                Section::TooLong(octets) => {
                    let letter = char::from(Step::Header.letter());
                    return Err(MilterError::Oversize { letter, octets }.into());
                }
                Section::EndOfHeader => {
                    let awaits = link.connection().end_of_header(macros)?;
                    link.verdict(awaits).await?
                }
                Section::Body(body) => show_body(link, body).await?,
            };
            if !goes_on(&verdict) {
                return Ok(Shown::InPart(verdict));
            }
        }
        if !last {
            link.flush().await?;
            self.waited = true;
            return Ok(Shown::SoFar);
        }
        let awaits = link.connection().end_of_body(macros)?;
        Ok(Shown::Whole(link.verdict(awaits).await?))
    }
}

/// What is to be skipped is, by the connection, until the message is over.
async fn show_body(link: &mut Link, body: &[u8]) -> Result<Verdict, Failure> {
    if tells(link, Step::Body) {
        for chunk in body.chunks(BODY_CHUNK_MAX) {
            let awaits = link.connection().body(chunk)?;
            let verdict = link.verdict(awaits).await?;
            if verdict != Verdict::Continue {
                return Ok(verdict);
            }
        }
    }
    Ok(Verdict::Continue)
}

fn goes_on(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Continue | Verdict::Skip)
}

fn tells(link: &mut Link, step: Step) -> bool {
    link.connection().negotiated().is_some_and(|agreed| agreed.tells(step))
}
