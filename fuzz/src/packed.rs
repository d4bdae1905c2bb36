//! Packed lists: whatever the bytes are, an answer; and what is packed and read is what is read.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sources::{CsvSpec, Format, Spec};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::list::read_parts;

/// The first byte says how the rest is packed, or that it is packed already.
pub fn packed(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else { return };
    let spec = Spec::new("list", Format::Detect(CsvSpec::default()));
    let packed = match choice % 5 {
        0 => {
            let _whatever = read_parts(file, &spec);
            return;
        }
        1 => gzip(file),
        2 => Some(compress_to_vec(file, CompressionLevel::Fastest)),
        3 => zipped(file, CompressionMethod::Deflated),
        _ => zipped(file, CompressionMethod::Stored),
    };
    let Some(packed) = packed else { return };
    // Archives in archives are refused, whatever is in them.
    let is_packed = [&b"PK"[..], b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"];
    if is_packed.iter().any(|magic| file.windows(magic.len()).take(2).any(|head| head == *magic)) {
        return;
    }
    let (plain, unpacked) = (read_parts(file, &spec), read_parts(&packed, &spec));
    assert_eq!(plain.is_some(), unpacked.is_some(), "only one of the two was read");
    let (Some(plain), Some(unpacked)) = (plain, unpacked) else { return };
    assert_eq!(plain.rows, unpacked.rows);
    assert_eq!(plain.report.rows, unpacked.report.rows);
}

fn gzip(file: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(file).ok()?;
    encoder.finish().ok()
}

fn zipped(file: &[u8], method: CompressionMethod) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("list", SimpleFileOptions::default().compression_method(method)).ok()?;
    writer.write_all(file).ok()?;
    Some(writer.finish().ok()?.into_inner())
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"bob@example.com\n",
            b"email,created\n",
            b"\x1f\x8b\x08\x00",
            b"\x28\xb5\x2f\xfd",
            b"\x50\x2a\x4d\x18",
            b"PK\x03\x04",
            b"PK\x01\x02",
            b"PK\x05\x06",
            b"\xff\xff\xff\xff",
            b"\x00\x00\x00\x00",
            b"{\"email\":\"a@x.example\"}\n",
            b"a@x.example REJECT\n",
        ];
        exercise("packed", super::packed, words);
    }
}
