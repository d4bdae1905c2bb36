//! How many rows a second each format is read with, and in how much memory:
//! `cargo run --release -p sources --example measure -- [ROWS]`. Writes the same people in every
//! format into a temporary folder, and reads each in a process of its own: the first look, the
//! check and the read, as a source is.

#![expect(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sources::{
    Columns, CsvSpec, Format, Inputs, JsonSpec, List, Spec, Spool, SpoolWriter, XmlSpec,
};
use suppression::Timestamp;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROWS: u64 = 1_000_000;
/// A sheet has no more.
const SHEET_ROWS: u64 = 1_048_575;
const FORMATS: [&str; 12] = [
    "csv", "csv.gz", "csv.zst", "csv.zip", "txt", "map", "xml", "json", "ndjson", "xlsx", "folder",
    "table",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => measure(ROWS),
        [rows] => measure(rows.parse().map_err(|_| "usage: measure [ROWS]")?),
        [format, rows, path] => read(format, rows.parse()?, Path::new(path)),
        _ => Err("usage: measure [ROWS]".into()),
    }
}

/// Writes each file and has it read.
fn measure(rows: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!(
        "{:8} {:>10} {:>9} {:>9} {:>11} {:>8}",
        "", "rows", "MB", "seconds", "rows/s", "MB RAM"
    );
    for format in FORMATS {
        let path = folder.path().join(format!("list.{format}"));
        let rows = if format == "xlsx" { rows.min(SHEET_ROWS) } else { rows };
        write(format, rows, &path)?;
        let status = Command::new(std::env::current_exe()?)
            .args([format, &rows.to_string()])
            .arg(&path)
            .status()?;
        if !status.success() {
            return Err(format!("{format}: could not be read").into());
        }
        match path.is_dir() {
            true => std::fs::remove_dir_all(&path)?,
            false => std::fs::remove_file(&path)?,
        }
    }
    Ok(())
}

/// Person number `n`.
fn person(n: u64) -> [String; 3] {
    let address = format!("person.{n}@d{}.example", n % 997);
    let (month, day) = (n % 12 + 1, n % 28 + 1);
    let time = format!("2024-{month:02}-{day:02} {:02}:{:02}:00", n % 24, n % 60);
    [address, time, format!("asked to be left alone, case {}", n % 1000)]
}

fn write(format: &str, rows: u64, path: &Path) -> Result<()> {
    let csv = |from: u64, to: u64| {
        let mut text = "email,created,reason\n".to_owned();
        for n in from..to {
            let [address, time, reason] = person(n);
            // Writing into a text does not fail.
            let _ = writeln!(text, "{address},{time},\"{reason}\"");
        }
        text
    };
    match format {
        "csv" => std::fs::write(path, csv(0, rows))?,
        "csv.gz" => {
            let mut encoder = GzEncoder::new(File::create(path)?, Compression::default());
            encoder.write_all(csv(0, rows).as_bytes())?;
            encoder.finish()?;
        }
        "csv.zst" => {
            let packed = compress_to_vec(csv(0, rows).as_bytes(), CompressionLevel::Fastest);
            std::fs::write(path, packed)?;
        }
        "csv.zip" => {
            let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
            writer.start_file("list.csv", SimpleFileOptions::default())?;
            writer.write_all(csv(0, rows).as_bytes())?;
            std::fs::write(path, writer.finish()?.into_inner())?;
        }
        "folder" => {
            std::fs::create_dir(path)?;
            for part in 0..10 {
                let text = csv(rows / 10 * part, rows / 10 * (part + 1));
                std::fs::write(path.join(format!("{part}.csv")), text)?;
            }
        }
        // It is made in the process that reads it: it has no name.
        "table" => std::fs::write(path, "")?,
        "xlsx" => workbook(rows, path)?,
        _ => lines(format, rows, path)?,
    }
    Ok(())
}

fn lines(format: &str, rows: u64, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(match format {
        "xml" => b"<people>\n",
        "json" => b"{\"items\":[\n",
        _ => b"",
    })?;
    for n in 0..rows {
        let [address, time, reason] = person(n);
        let comma = if n + 1 < rows { "," } else { "" };
        match format {
            "txt" => writeln!(file, "{address}")?,
            "map" => writeln!(file, "{address}\tREJECT {reason}")?,
            "xml" => writeln!(
                file,
                "<person optout=\"1\"><email>{address}</email><created>{time}</created>\
                 <reason>{reason}</reason></person>"
            )?,
            _ => {
                let end = if format == "json" { comma } else { "" };
                writeln!(
                    file,
                    "{{\"email\":\"{address}\",\"created\":\"{time}\",\"reason\":\"{reason}\"}}{end}"
                )?;
            }
        }
    }
    file.write_all(match format {
        "xml" => b"</people>\n",
        "json" => b"],\"paging\":{}}\n",
        _ => b"",
    })?;
    file.flush()?;
    Ok(())
}

/// With its texts in a table of their own, as spreadsheet programs write them.
fn workbook(rows: u64, path: &Path) -> Result<()> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut writer = ZipWriter::new(BufWriter::new(File::create(path)?));
    let mut member = |name: &str, text: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>| {
        writer.start_file(name, SimpleFileOptions::default().large_file(true))?;
        Result::Ok(text(&mut writer)?)
    };
    member("[Content_Types].xml", &mut |out| {
        write!(out, "<Types xmlns=\"{PACKAGE}/content-types\"/>")
    })?;
    member("_rels/.rels", &mut |out| {
        write!(
            out,
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" \
             Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        )
    })?;
    member("xl/workbook.xml", &mut |out| {
        write!(
            out,
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>\
             <sheet name=\"People\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
        )
    })?;
    member("xl/_rels/workbook.xml.rels", &mut |out| {
        write!(
            out,
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" \
             Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
        )
    })?;
    let header = ["email", "created", "reason"].map(str::to_owned);
    member("xl/sharedStrings.xml", &mut |out| {
        write!(out, "<sst xmlns=\"{MAIN}\">")?;
        for text in header.iter().cloned().chain((0..rows).flat_map(person)) {
            write!(out, "<si><t>{text}</t></si>")?;
        }
        write!(out, "</sst>")
    })?;
    member("xl/worksheets/sheet1.xml", &mut |out| {
        write!(out, "<worksheet xmlns=\"{MAIN}\"><sheetData>")?;
        for row in 0..=rows {
            write!(out, "<row r=\"{}\">", row + 1)?;
            for (at, column) in ["A", "B", "C"].into_iter().enumerate() {
                let text = row * 3 + at as u64;
                write!(out, "<c r=\"{column}{}\" t=\"s\"><v>{text}</v></c>", row + 1)?;
            }
            write!(out, "</row>")?;
        }
        write!(out, "</sheetData></worksheet>")
    })?;
    writer.finish()?.flush()?;
    Ok(())
}

fn spool(rows: u64, folder: &Path) -> Result<Spool> {
    let mut writer = SpoolWriter::new(folder)?;
    writer.columns(&["email", "created", "reason"])?;
    for n in 0..rows {
        let cells = person(n);
        writer.row(cells.iter().map(|cell| Some(cell.as_str())))?;
    }
    Ok(writer.finish()?)
}

/// Reads one of them, and says how it went.
#[expect(clippy::disallowed_methods, reason = "a clock is what this is about")]
fn read(format: &str, rows: u64, path: &Path) -> Result<()> {
    let nothing = || XmlSpec {
        record: match "/people/person[@optout='1']".parse() {
            Ok(record) => record,
            Err(_) => std::process::exit(1),
        },
        email: None,
        date: None,
        reason: None,
        kind: None,
        scope: None,
        until: None,
        encoding: None,
    };
    let (spec, inputs) = match format {
        "table" => {
            let folder = path.parent().map(PathBuf::from).unwrap_or_default();
            (Format::Table(Columns::default()), Inputs::spool("list", spool(rows, &folder)?))
        }
        "xml" => (Format::Xml(nothing()), Inputs::at(path)?),
        "json" => {
            let records = Some("items".to_owned());
            (Format::Json(JsonSpec { records, ..JsonSpec::default() }), Inputs::at(path)?)
        }
        _ => (Format::Detect(CsvSpec::default()), Inputs::at(path)?),
    };
    let spec = Spec::new("list", spec);
    let bytes = inputs.length();
    let now: Timestamp = "2100-01-01".parse()?;
    let begun = std::time::Instant::now();
    let list = List::open(inputs, &spec, &mut |_| ())?;
    let report = list.check(now, &mut |_| ())?;
    let mut found = 0_u64;
    list.read(now, &mut |_| (), &mut |_| {
        found += 1;
        ControlFlow::Continue(())
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    if report.accepted != found || found < rows / 10 * 10 {
        return Err(format!("{found} of {rows} rows: {}", list.describe()).into());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{format:8} {found:>10} {megabytes:>9.1} {seconds:>9.2} {:>11.0} {:>8.1}",
        found as f64 / seconds,
        peak as f64 * 1024.0 / 1e6
    );
    Ok(())
}
