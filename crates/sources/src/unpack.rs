//! Unpacking as a stream, with limits: a small file may unfold into one without end.
//!
//! What is packed is known by its first bytes, never by its name. No list of addresses shrinks to
//! less than a two hundred and fiftieth; what claims to is refused before it costs anything but
//! a little time, and so is what has no end.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Most bytes one packed file may unfold into: some five hundred million addresses.
const TOTAL_MAX: u64 = 32 << 30;
/// Bytes from which on the ratio counts: a small list may well be one line a thousand times.
const RATIO_FROM: u64 = 64 << 20;
/// How many times its packed size a file may be.
const RATIO_MAX: u64 = 250;
/// Window of Zstandard, which is held in memory. The command takes 8 MiB at most, unless it is
/// told otherwise.
const WINDOW_MAX: u64 = 32 << 20;
/// What one step of Zstandard reads.
const STEP: usize = 128 * 1024;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    Gzip,
    Zstd,
    Zip,
}

impl Packed {
    /// By the first four bytes.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A frame to be skipped, with which parallel packers begin.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }
}

/// What unpacking may come to.
#[derive(Debug, Clone, Copy)]
struct Limits {
    total: u64,
    from: u64,
    ratio: u64,
}

const USUAL: Limits = Limits { total: TOTAL_MAX, from: RATIO_FROM, ratio: RATIO_MAX };

/// A stream that is unpacked, held against the limits.
pub(crate) struct Limited<R> {
    reader: R,
    /// Bytes read of what is packed.
    packed: Arc<AtomicU64>,
    done: u64,
    limits: Limits,
}

impl<R: Read> Limited<R> {
    pub(crate) fn new(reader: R, packed: Arc<AtomicU64>) -> Self {
        Self { reader, packed, done: 0, limits: USUAL }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out).map_err(explain)?;
        self.done += read as u64;
        let Limits { total, from, ratio } = self.limits;
        if self.done > total {
            let gib = total >> 30;
            return Err(refused(format!("unpacked it is more than {gib} GiB, which is no list")));
        }
        if self.done > from && self.done / ratio > self.packed.load(Ordering::Relaxed) {
            let what = format!("it unfolds to more than {ratio} times its size, as no list does");
            return Err(refused(what));
        }
        Ok(read)
    }
}

fn refused(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What the unpackers say, in words that help.
fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        _ if error.raw_os_error().is_some() => error,
        io::ErrorKind::Interrupted => error,
        io::ErrorKind::UnexpectedEof => {
            refused("the packed file is cut off; copy or export it again".to_owned())
        }
        _ => refused(format!("the packed file is damaged: {error}")),
    }
}

/// All frames of a Zstandard file (RFC 8878 s3.1), each checked by its checksum if it has one.
pub(crate) struct Zstd<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: Read> Zstd<R> {
    pub(crate) fn new(source: R) -> Self {
        let source = BufReader::with_capacity(STEP, source);
        Self { source, decoder: FrameDecoder::new(), inside: false }
    }

    /// Goes to the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let head = self.source.fill_buf()?;
            if head.is_empty() {
                return Ok(false);
            }
            if window(head) > WINDOW_MAX {
                let mib = WINDOW_MAX >> 20;
                return Err(refused(format!(
                    "it is packed with a window of more than {mib} MiB; pack it without --long and --ultra"
                )));
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut rest = Read::take(&mut self.source, u64::from(length));
                    if io::copy(&mut rest, &mut io::sink())? < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// At the end of the file an error of any kind means that it is cut off.
    fn failed(&mut self, error: FrameDecoderError) -> io::Error {
        match self.source.fill_buf() {
            Ok([]) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => io::Error::other(error.to_string()),
            Err(error) => error,
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if out.is_empty() || (!self.inside && !self.begin()?) {
                return Ok(0);
            }
            let read = self.decoder.read(out)?;
            if read > 0 {
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.inside = false;
                let stated = self.decoder.get_checksum_from_data();
                if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
                    return Err(io::Error::other("its checksum is another one"));
                }
                continue;
            }
            let step = BlockDecodingStrategy::UptoBytes(STEP);
            if let Err(error) = self.decoder.decode_blocks(&mut self.source, step) {
                return Err(self.failed(error));
            }
        }
    }
}

/// The window of the frame that begins here (RFC 8878 s3.1.1.1); 0 where there is none.
fn window(head: &[u8]) -> u64 {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = head else { return 0 };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let byte = rest.first().copied().unwrap_or(0);
        let base = 1_u64 << (10 + (byte >> 3));
        return base + base / 8 * u64::from(byte & 7);
    }
    let id = match descriptor & 3 {
        0 => 0,
        bits => 1 << (bits - 1),
    };
    let length = 1 << (descriptor >> 6);
    let bytes = rest.get(id..id + length).unwrap_or_default();
    bytes.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::read::MultiGzDecoder;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn all(mut reader: impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn limited<R: Read>(reader: R, packed: u64, limits: Limits) -> Limited<R> {
        Limited { reader, packed: Arc::new(AtomicU64::new(packed)), done: 0, limits }
    }

    #[test]
    fn all_frames_of_zstandard_are_read() {
        let text = "bob@example.com,2019-12-17\n".repeat(40_000).into_bytes();
        assert!(all(Zstd::new(&zstd(&text)[..])).unwrap() == text);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let joined = [&skipped[..], &zstd(b"one "), &skipped, &zstd(b""), &zstd(b"two")].concat();
        assert_eq!(Packed::of(&joined), Some(Packed::Zstd));
        assert_eq!(all(Zstd::new(&joined[..])).unwrap(), b"one two");
    }

    #[test]
    fn what_is_cut_or_damaged_is_an_error() {
        let text: Vec<u8> = (0..30_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let (gz, zst) = (gzip(&text), zstd(&text));
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0];
        for at in [1, 3, 5, 9, 12, gz.len() / 2, gz.len() - 1] {
            let error = all(limited(MultiGzDecoder::new(&gz[..at]), 1, USUAL)).unwrap_err();
            assert!(error.to_string().contains("cut off"), "{at}: {error}");
        }
        for at in [1, 3, 5, 9, 12, zst.len() / 2, zst.len() - 1] {
            let error = all(limited(Zstd::new(&zst[..at]), 1, USUAL)).unwrap_err();
            assert!(error.to_string().contains("cut off"), "{at}: {error}");
        }
        assert!(all(limited(Zstd::new(&skipped[..]), 1, USUAL)).is_err());
        let mut flipped = gz.clone();
        flipped[gz.len() - 6] ^= 1;
        let error = all(limited(MultiGzDecoder::new(&flipped[..]), 1, USUAL)).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
        let behind = [&zst[..], b"no frame"].concat();
        let error = all(limited(Zstd::new(&behind[..]), 1, USUAL)).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    #[test]
    fn the_limits_at_one_under_and_one_over() {
        let limits = Limits { total: 1000, from: 100, ratio: 10 };
        let read = |length: usize, packed| all(limited(&vec![b'x'; length][..], packed, limits));
        assert!(read(100, 0).is_ok(), "below, the ratio does not count");
        assert!(read(109, 10).is_ok());
        assert!(read(110, 10).unwrap_err().to_string().contains("10 times its size"));
        assert!(read(1000, 1000).is_ok());
        assert!(read(1001, 1000).unwrap_err().to_string().contains("unpacked it is more than"));
    }

    #[test]
    fn a_bomb_is_refused_after_a_part_of_it() {
        let packed = gzip(&vec![0; 80 << 20]);
        let counter = Arc::new(AtomicU64::new(packed.len() as u64));
        let mut reader = Limited::new(MultiGzDecoder::new(&packed[..]), counter);
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("250 times its size"), "{error}");
    }

    #[test]
    fn a_window_that_takes_much_memory_is_refused() {
        let head =
            |descriptor: u8, rest: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd, descriptor], rest].concat();
        assert_eq!(window(&head(0, &[0b0110_1000])), 8 << 20);
        assert_eq!(window(&head(0, &[0b0110_1001])), 9 << 20);
        assert_eq!(window(&head(0x20, &[7])), 7);
        assert_eq!(window(&head(0xa1, &[99, 1, 0, 1, 0])), 65_537);
        let error = all(Zstd::new(&head(0, &[0b1000_0001])[..])).unwrap_err();
        assert!(error.to_string().contains("--long"), "{error}");
    }
}
