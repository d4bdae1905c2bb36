//! `cargo xtask bench sources`: how fast each reader reads a list, and in how much memory.
//!
//! The same people are written in every format and put on every server, and each list is read
//! by the product's own code (`crates/sources/examples/measure`) in a process of its own. The
//! servers are those of the end-to-end tests, started by `tests/e2e/examples/list_server.rs`.

mod child;
mod reader;
mod server;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::{circumstances, prepare};
use crate::test;
use child::Measure;
use reader::{Kind, READERS, Reader};
use server::ListServer;
use table::{Line, Measured};

/// The words behind `cargo xtask bench sources`.
#[derive(clap::Args, Debug)]
pub(crate) struct SourcesOptions {
    /// People in each file
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    rows: u64,
    /// People on each server, if that is fewer; a directory has a tenth of them
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(100..))]
    server_rows: u64,
    /// Only these readers, separated by commas; CSV is always measured
    #[arg(long, value_delimiter = ',', value_name = "READER", value_parser = reader::named)]
    only: Vec<&'static Reader>,
}

pub(super) fn run(options: &SourcesOptions) -> Result<()> {
    let programs = prepare::sources()?;
    let peers = test::list_servers()?;
    let folder = programs.folder.join("sources");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let measure = Measure { program: programs.measure, folder: folder.clone() };
    println!("{}", circumstances::load_average("at the start"));
    let empty = measure.empty()?;
    let mut lines = Vec::new();
    for reader in wanted(options) {
        eprintln!("{}", reader.name);
        let measured = match reader.kind {
            Kind::File => file(&measure, reader, options.rows, &folder)?,
            Kind::Rows => {
                let read = |rows: u64| measure.read(reader.name, &PathBuf::from(rows.to_string()));
                let measured =
                    Measured { whole: read(options.rows)?, tenth: read(options.rows / 10)? };
                expect(reader, options.rows, &measured)?;
                measured
            }
            Kind::Server { needs, one_in } => {
                let Some(version) = peers.versions.get(needs) else {
                    lines.push(Line::left_out(reader, needs));
                    continue;
                };
                let rows = options.server_rows.min(options.rows).max(100) / one_in;
                let csv = folder.join("list.csv");
                measure.write("csv", rows, &csv)?;
                let server =
                    ListServer::start(&programs.list_server, reader.name, &csv, &peers.manifest)?;
                let measured = server.read(&measure, reader.name);
                drop(server);
                fs::remove_file(&csv)?;
                let measured = measured?;
                expect(reader, rows, &measured)?;
                lines.push(Line::new(reader, Some(version), measured));
                continue;
            }
        };
        lines.push(Line::new(reader, None, measured));
    }
    println!("{}\n", circumstances::load_average("at the end"));
    println!("{}", table::render(&lines, empty));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// CSV first, as all others are compared with it.
fn wanted(options: &SourcesOptions) -> Vec<&'static Reader> {
    let named = |reader: &Reader| {
        options.only.is_empty() || options.only.iter().any(|only| only.name == reader.name)
    };
    READERS.iter().filter(|reader| reader.name == "csv" || named(reader)).collect()
}

fn file(measure: &Measure, reader: &Reader, rows: u64, folder: &Path) -> Result<Measured> {
    let read = |rows| {
        let path = folder.join(format!("list.{}", reader.name));
        let written = measure.write(reader.name, rows, &path)?;
        let figures = measure.read(reader.name, &path)?;
        if path.is_dir() {
            fs::remove_dir_all(&path)?
        } else {
            fs::remove_file(&path)?
        }
        ensure!(
            figures.rows == written,
            "{}: {} of {written} people were read",
            reader.name,
            figures.rows
        );
        Ok(figures)
    };
    Ok(Measured { whole: read(rows)?, tenth: read(rows / 10)? })
}

fn expect(reader: &Reader, rows: u64, measured: &Measured) -> Result<()> {
    let (whole, tenth) = (measured.whole.rows, measured.tenth.rows);
    ensure!(
        whole == rows && tenth == rows / 10,
        "{}: {whole} of {rows} people were read, and {tenth} of a tenth of them",
        reader.name
    );
    Ok(())
}
