//! Packed lists: known by their first bytes, streamed, and refused where they could hurt.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sources::{Input, Inputs, List};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{Outcome, csv_error, csv_spec, read_as, read_inputs, xml};

const LIST: &str = "email,created\na@x.example,2019-12-17\nnobody,\nb@x.example,\n";

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    compress_to_vec(bytes.as_ref(), CompressionLevel::Fastest)
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_as(CompressionMethod::Deflated, members)
}

fn zip_as(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        match name.strip_suffix('/') {
            Some(folder) => writer.add_directory(folder, options).unwrap(),
            None => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(bytes).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: Vec<u8>) -> Outcome {
    read_as(&bytes, &csv_spec()).unwrap()
}

#[test]
fn a_packed_list_is_the_same_list() {
    let plain = read(LIST.into());
    for bytes in [
        gzip(LIST),
        [gzip(&LIST[..30]), gzip(&LIST[30..])].concat(),
        zstd(LIST),
        [zstd(&LIST[..30]), zstd(&LIST[30..])].concat(),
        zip(&[("list.csv", LIST.as_bytes())]),
        zip_as(CompressionMethod::Stored, &[("a/list.csv", LIST.as_bytes())]),
    ] {
        let outcome = read(bytes);
        assert_eq!(outcome.rows, plain.rows);
        assert_eq!(outcome.report, plain.report);
        assert_eq!(outcome.describe, plain.describe);
    }
}

#[test]
fn a_packed_list_may_be_in_any_encoding() {
    let text = b"email;name\nm\xfcller@x.example;J\xfcrgen\n";
    assert_eq!(read(gzip(text)).addresses(), ["müller@x.example"]);
    let wide: Vec<u8> = "email\na@x.example\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(zstd(wide)).addresses(), ["a@x.example"]);
}

#[test]
fn packed_xml() {
    let text = "<l><e><m>a@x.example</m></e></l>";
    assert_eq!(xml("/l/e", gzip(text)).addresses(), ["a@x.example"]);
    let two = [("1.xml", text.as_bytes()), ("2.xml", text.as_bytes())];
    assert_eq!(xml("/l/e", zip(&two)).addresses().len(), 2);
}

#[test]
fn the_members_of_an_archive_are_one_list() {
    let bytes = zip(&[
        ("lists/", b""),
        ("lists/b.csv", b"b@x.example\nnobody\n"),
        ("lists/a.csv", LIST.as_bytes()),
        ("__MACOSX/lists/._a.csv", b"\0\x05\x16\x07"),
        ("lists/.DS_Store", b"\0\0\0\x01Bud1"),
    ]);
    let outcome = read(bytes);
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example", "b@x.example"]);
    let bad: Vec<_> = outcome.report.bad_rows.iter().map(ToString::to_string).collect();
    assert_eq!(
        bad,
        [
            "a.csv, line 3: not an e-mail address (xxxxxx)",
            "b.csv, line 2: not an e-mail address (xxxxxx)"
        ]
    );
    assert_eq!(
        outcome.report.warnings,
        ["left out: __MACOSX/lists/._a.csv (of macOS), lists/.DS_Store (hidden)"]
    );
}

#[test]
fn archives_in_a_folder_are_among_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("1.zip", zip(&[("x.csv", b"a@x.example\n"), ("y.csv", b"b@x.example\n")])),
        ("2.csv.gz", gzip("c@x.example\n")),
        ("3.csv", b"d@x.example\n".to_vec()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let outcome = read_inputs(Inputs::at(folder.path()).unwrap(), &csv_spec()).unwrap();
    assert_eq!(outcome.addresses(), ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]);
    assert!(outcome.describe.starts_with("4 files: CSV"), "{}", outcome.describe);
    std::fs::write(folder.path().join("4.zip"), zip(&[("z.csv", b"%PDF-1.4")])).unwrap();
    let error = read_inputs(Inputs::at(folder.path()).unwrap(), &csv_spec()).unwrap_err();
    assert!(error.to_string().contains("/4.zip/z.csv: this is a PDF"), "{error}");
}

#[test]
fn an_archive_without_members_has_no_rows() {
    let outcome = read(zip(&[]));
    assert_eq!((outcome.report.rows, outcome.describe.as_str()), (0, "no file"));
    assert_eq!(outcome.report.warnings, ["list: there is no file in it"]);
}

#[test]
fn what_is_packed_in_a_way_that_is_not_understood_is_refused_and_named() {
    let nested = zip(&[("inner.zip", &zip(&[("a.csv", LIST.as_bytes())]))]);
    let workbook = zip(&[("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")]);
    let document = zip(&[("mimetype", b"x"), ("content.xml", b"<a/>")]);
    let mut damaged = zip(&[("a.csv", LIST.as_bytes())]);
    damaged[40] ^= 0x55;
    let mut cut = zip(&[("a.csv", LIST.as_bytes())]);
    cut.truncate(cut.len() - 30);
    for (bytes, part) in [
        (nested, "list/inner.zip: an archive inside of an archive"),
        (gzip(gzip(LIST)), "an archive inside of an archive"),
        (zstd(zip(&[("a.csv", b"a")])), "an archive inside of an archive"),
        (gzip([&[0; 257][..], b"ustar"].concat()), "a tar archive"),
        (workbook, "a workbook (.xlsx)"),
        (document, "OpenDocument"),
        (damaged, "list/a.csv: the packed file is damaged"),
        (cut, "the ZIP archive is damaged or cut off"),
        (gzip(LIST)[..40].to_vec(), "cut off"),
        (b"BZh91AY".to_vec(), "a bzip2 archive"),
    ] {
        let error = csv_error(&bytes);
        assert!(error.starts_with("list") && error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_member_that_unfolds_without_end_is_refused() {
    let bytes = zip(&[("a.csv", &vec![b'\n'; 80 << 20])]);
    let error = csv_error(&bytes);
    assert!(error.contains("list/a.csv: it unfolds to more than 250 times"), "{error}");
}

#[test]
fn members_that_share_their_bytes_are_refused() {
    // Both entries of the directory point to the first member.
    let text: Vec<u8> = (0..4000_u32).flat_map(|n| n.to_le_bytes()).collect();
    let mut bytes = zip_as(CompressionMethod::Stored, &[("a", &text), ("b", b"x")]);
    let entries: Vec<_> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, w)| w == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect();
    let [first, second] = entries[..] else { panic!("two entries") };
    // Checksum, both sizes, and where it begins.
    for range in [16..28, 42..46] {
        let copy = bytes[first + range.start..first + range.end].to_vec();
        bytes[second + range.start..second + range.end].copy_from_slice(&copy);
    }
    let error = csv_error(&bytes);
    assert!(error.contains("overlap") || error.contains("damaged"), "{error}");
}

#[test]
fn progress_of_packed_lists_ends_at_what_is_packed() {
    for bytes in [gzip(LIST), zip(&[("a", LIST.as_bytes()), ("b", LIST.as_bytes())])] {
        let spec = csv_spec();
        let mut last = None;
        let mut tell = |at| last = Some(at);
        let list = List::open(Input::bytes("list", bytes), &spec, &mut tell).unwrap();
        list.check(crate::support::now(), &mut tell).unwrap();
        let last = last.unwrap();
        assert!(last.done == last.total && last.total > 0, "{last:?}");
    }
}

#[test]
fn of_mailchimps_archive_the_subscribed_people_are_left_out() {
    let common = "Email Address,First Name,OPTIN_TIME,OPTIN_IP";
    let member = |more: &str, address: &str, cells: &str| {
        format!(
            "{common},{more}LEID,EUID,NOTES,TAGS\n{address},B,2018-05-01 10:00:00,,{cells}1,e,,\n"
        )
    };
    let unsubscribed = member("UNSUB_TIME,", "a@x.example", "2019-05-02 07:59:59,");
    let cleaned = member("CLEAN_TIME,", "b@x.example", "2019-05-02 07:59:59,");
    let subscribed = member("", "c@x.example", "");
    let files = [
        ("subscribed_members_export_1.csv", subscribed.as_bytes()),
        ("nonsubscribed_members_export_1.csv", subscribed.as_bytes()),
        ("unsubscribed_members_export_1.csv", unsubscribed.as_bytes()),
        ("cleaned_members_export_1.csv", cleaned.as_bytes()),
    ];
    let outcome = read(zip(&files));
    assert_eq!(outcome.addresses(), ["b@x.example", "a@x.example"]);
    let told = |start: &str| {
        let start = format!("{start}_members_export_1.csv: left out: ");
        outcome.report.warnings.iter().any(|warning| warning.starts_with(&start))
    };
    assert!(told("subscribed") && told("nonsubscribed"), "{:?}", outcome.report.warnings);
    // Alone it is a mistake.
    let alone = read_as(&zip(&files[..1]), &csv_spec()).unwrap();
    assert_eq!((alone.report.rows, alone.report.warnings.len()), (0, 1));
}
