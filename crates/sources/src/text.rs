//! A file's bytes as UTF-8, whatever they are in. What is invalid was found by `examine` already,
//! so the replacement character appears only where a file is changed while it is read.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use encoding_rs::{CoderResult, Decoder, UTF_8};

use crate::error::SourceError;
use crate::examine::Examined;
use crate::part::{Part, Reading};
use crate::progress::{Phase, Progress};

const RAW: usize = 64 * 1024;

/// A reader of UTF-8.
pub(crate) struct Text<'a> {
    reading: Reading<'a>,
    /// None where the bytes are UTF-8 as they are.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    /// Of `raw`: from where on it is not decoded yet.
    taken: usize,
    ended: bool,
    /// All of it is decoded; a decoder must not be asked again.
    finished: bool,
    /// A character that was longer than the room there was.
    spill: Vec<u8>,
    skip: usize,
    on: Progress,
    tell: Option<&'a mut dyn FnMut(Progress)>,
}

impl<'a> Text<'a> {
    pub(crate) fn start(
        part: &'a Part,
        examined: &Examined,
        phase: Phase,
        tell: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, SourceError> {
        let text = Self::again(part, examined)?;
        Ok(Self { on: Progress { phase, ..text.on }, tell: Some(tell), ..text })
    }

    /// Without telling how far it is: for one more look.
    pub(crate) fn again(part: &'a Part, examined: &Examined) -> Result<Self, SourceError> {
        let decoder = (examined.encoding != UTF_8)
            .then(|| examined.encoding.new_decoder_without_bom_handling());
        Ok(Self {
            reading: part.start()?,
            decoder,
            raw: Vec::new(),
            taken: 0,
            ended: false,
            finished: false,
            spill: Vec::new(),
            skip: examined.mark,
            on: Progress { phase: Phase::Examine, done: 0, total: part.length() },
            tell: None,
        })
    }

    fn read_raw(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.reading.reader.read(out)?;
            self.on.done = self.reading.packed.load(Ordering::Relaxed);
            if let Some(tell) = &mut self.tell {
                tell(self.on);
            }
            if self.skip == 0 || read == 0 {
                return Ok(read);
            }
            // The byte order mark, in whatever pieces it comes.
            let skipped = self.skip.min(read);
            self.skip -= skipped;
            out.copy_within(skipped..read, 0);
            if read > skipped {
                return Ok(read - skipped);
            }
        }
    }
}

impl Read for Text<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() {
            return self.read_raw(out);
        }
        // A decoder must be given room for the longest character.
        if self.spill.is_empty() && out.len() >= 4 {
            return self.decode(out);
        }
        if self.spill.is_empty() {
            let mut room = [0; 4];
            let length = self.decode(&mut room)?;
            self.spill.extend(room.iter().take(length));
        }
        let length = self.spill.len().min(out.len());
        out.iter_mut().zip(self.spill.drain(..length)).for_each(|(byte, spilled)| *byte = spilled);
        Ok(length)
    }
}

impl Text<'_> {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.finished {
            if self.taken == self.raw.len() && !self.ended {
                let mut raw = std::mem::take(&mut self.raw);
                raw.resize(RAW, 0);
                let read = self.read_raw(&mut raw);
                raw.truncate(*read.as_ref().unwrap_or(&0));
                self.raw = raw;
                self.taken = 0;
                self.ended = read? == 0;
            }
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let rest = self.raw.get(self.taken..).unwrap_or_default();
            let (result, read, written, _) = decoder.decode_to_utf8(rest, out, self.ended);
            self.taken += read;
            self.finished = self.ended && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examine::examine;
    use crate::input::Input;

    fn read_in_steps(bytes: &[u8], step: usize) -> String {
        let part = Part::whole(Input::bytes("l", bytes).into());
        let examined = examine(&part, None, |_| None, &mut |_| ()).unwrap();
        let mut tell = |_| ();
        let mut text = Text::start(&part, &examined, Phase::Check, &mut tell).unwrap();
        let mut all = Vec::new();
        let mut buffer = vec![0; step];
        loop {
            let read = text.read(&mut buffer).unwrap();
            if read == 0 {
                return String::from_utf8(all).unwrap();
            }
            all.extend_from_slice(&buffer[..read]);
        }
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "email;name\nbob@example.com;Müller\n".repeat(5000);
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> =
            format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = format!("\u{feff}{text}");
        for bytes in [text.as_bytes(), &latin, &little, &big, marked.as_bytes()] {
            for step in [1, 3, 4, 5, 4096, 300_000] {
                assert!(read_in_steps(bytes, step) == text);
            }
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing_however_often_one_asks() {
        for step in [1, 100] {
            let part = Part::whole(Input::bytes("l", &b"J\xfcrgen"[..]).into());
            let examined = examine(&part, None, |_| None, &mut |_| ()).unwrap();
            let mut text = Text::again(&part, &examined).unwrap();
            let mut all = String::new();
            text.read_to_string(&mut all).unwrap();
            assert_eq!(all, "Jürgen");
            for _ in 0..3 {
                assert_eq!(text.read(&mut vec![0; step]).unwrap(), 0);
            }
        }
    }

    #[test]
    fn progress_ends_at_the_total() {
        let part = Part::whole(Input::bytes("l", &b"\xef\xbb\xbfabc"[..]).into());
        let examined = examine(&part, None, |_| None, &mut |_| ()).unwrap();
        let mut last = None;
        let mut tell = |progress| last = Some(progress);
        let mut text = Text::start(&part, &examined, Phase::Read, &mut tell).unwrap();
        io::copy(&mut text, &mut io::sink()).unwrap();
        drop(text);
        assert_eq!(last, Some(Progress { phase: Phase::Read, done: 6, total: 6 }));
    }
}
