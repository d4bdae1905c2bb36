//! One reader at work in a process of its own, so that the largest resident set is its own: what
//! `cargo xtask bench sources` puts together for all of them.
//!
//! ```text
//! measure write FORMAT ROWS PATH            the same people in every format
//! measure read  FORMAT PATH                 the first look, the check and the read of a file
//! measure pull  ENGINE URL QUESTION [USER]  the same of a database, pulled into a spool before
//! measure fetch URL                         the same of a page, fetched into a file before
//! measure empty                             nothing: what the program itself needs
//! ```
//!
//! The password of USER is in the environment as `OPTGATE_MEASURE_PASSWORD`. QUESTION is SQL; of
//! LDAP `BASE;FILTER;ATTRIBUTE,...`; of Redis the key. Prints one line of JSON: rows, bytes,
//! seconds of wall clock for each step, seconds of CPU for all of them, largest resident set in
//! KiB.

#![expect(clippy::print_stdout, reason = "its purpose")]

mod meter;
mod read;
mod written;

use std::error::Error;
use std::path::Path;

use meter::Figures;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let figures = match words.as_slice() {
        ["write", format, rows, path] => {
            let rows = written::write(format, rows.parse()?, Path::new(path))?;
            Figures { rows, ..Figures::default() }
        }
        ["read", format, path] => read::file(format, Path::new(path))?,
        ["pull", engine, url, question] => read::database(engine, url, question, None)?,
        ["pull", engine, url, question, user] => read::database(engine, url, question, Some(user))?,
        ["fetch", url] => read::page(url)?,
        ["empty"] => Figures::default(),
        _ => return Err("write, read, pull, fetch or empty?".into()),
    };
    println!("{}", figures.told()?);
    Ok(())
}
