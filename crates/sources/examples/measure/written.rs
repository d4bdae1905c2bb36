//! The files that are read: the same people in every format.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Result;

/// A sheet has no more, and one row is the header.
const SHEET_ROWS: u64 = 1_048_575;

/// Person number `n`.
pub(crate) fn person(n: u64) -> [String; 3] {
    let address = format!("person.{n}@d{}.example", n % 997);
    let (month, day) = (n % 12 + 1, n % 28 + 1);
    let time = format!("2024-{month:02}-{day:02} {:02}:{:02}:00", n % 24, n % 60);
    [address, time, format!("asked to be left alone, case {}", n % 1000)]
}

/// Writes a file of this format. Returns how many people are in it.
pub(crate) fn write(format: &str, rows: u64, path: &Path) -> Result<u64> {
    let rows = if format == "xlsx" { rows.min(SHEET_ROWS) } else { rows };
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
                let text = csv(rows * part / 10, rows * (part + 1) / 10);
                std::fs::write(path.join(format!("{part}.csv")), text)?;
            }
        }
        "xlsx" => workbook(rows, path)?,
        "tsv" | "txt" | "map" | "xml" | "json" | "ndjson" => lines(format, rows, path)?,
        _ => return Err(format!("{format}: there is no such format").into()),
    }
    Ok(rows)
}

fn lines(format: &str, rows: u64, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(match format {
        "xml" => b"<people>\n",
        "json" => b"{\"items\":[\n",
        "tsv" => b"email\tcreated\treason\n",
        _ => b"",
    })?;
    for n in 0..rows {
        let [address, time, reason] = person(n);
        let comma = if n + 1 < rows { "," } else { "" };
        match format {
            "txt" => writeln!(file, "{address}")?,
            "tsv" => writeln!(file, "{address}\t{time}\t{reason}")?,
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
