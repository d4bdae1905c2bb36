//! Reads a list out of a database, asks it about addresses, or waits for its notifications, and
//! prints what came: the part of the product that speaks to databases, without the rest.
//!
//! ```text
//! remote pull   ENGINE URL QUERY   [OPTIONS]
//! remote ask    ENGINE URL QUERY   [OPTIONS] -- VALUE...
//! remote listen ENGINE URL CHANNEL [OPTIONS]
//! ```
//!
//! ENGINE is `postgres`, `mysql`, `sqlserver`, `sqlite`, `ldap` or `redis`. Of LDAP, QUERY is
//! `BASE;FILTER;ATTRIBUTE,...`; of Redis, the key. Options: `--user NAME`, `--password-file FILE`,
//! `--password-env NAME`, `--tls off|unverified|verify`, `--ca FILE`, `--timeout SECONDS`,
//! `--watermark COLUMN`, `--from MARK`, `--count` (no rows, only how many), `--rounds N` (asks as
//! often).

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use sources::{
    Access, Connection, Engine, Listener, Mark, Password, Question, Since, SpoolWriter, Tls, pull,
};

struct Asked {
    access: Access,
    question: String,
    since: Option<Since>,
    count: bool,
    rounds: u32,
    values: Vec<String>,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (verb, engine) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let done = asked(&engine, words).and_then(|asked| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match verb.as_str() {
                "pull" => pulled(&asked).await,
                "ask" => answered(&asked).await,
                "listen" => listened(&asked).await,
                _ => Err("pull, ask or listen?".into()),
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(
    engine: &str,
    mut words: impl Iterator<Item = String>,
) -> Result<Asked, Box<dyn std::error::Error>> {
    let engine = match engine {
        "postgres" => Engine::Postgres,
        "mysql" => Engine::MySql,
        "sqlserver" => Engine::SqlServer,
        "sqlite" => Engine::Sqlite,
        "ldap" => Engine::Ldap,
        "redis" => Engine::Redis,
        _ => return Err("which engine?".into()),
    };
    let access = Access {
        engine,
        url: words.next().ok_or("where is it?")?,
        user: None,
        password: None,
        tls: Tls::Off,
        timeout: Duration::from_secs(30),
    };
    let question = words.next().ok_or("what is asked?")?;
    let mut asked =
        Asked { access, question, since: None, count: false, rounds: 1, values: Vec::new() };
    while let Some(option) = words.next() {
        let mut value = || words.next().ok_or(format!("{option} what?"));
        match option.as_str() {
            "--user" => asked.access.user = Some(value()?),
            "--password-file" => asked.access.password = Some(Password::File(value()?.into())),
            "--password-env" => asked.access.password = Some(Password::Environment(value()?)),
            "--tls" => {
                asked.access.tls = match value()?.as_str() {
                    "off" => Tls::Off,
                    "unverified" => Tls::Unverified,
                    "verify" => Tls::Verified { ca: None },
                    _ => return Err("--tls off, unverified or verify?".into()),
                }
            }
            "--ca" => asked.access.tls = Tls::Verified { ca: Some(value()?.into()) },
            "--timeout" => asked.access.timeout = Duration::from_secs_f64(value()?.parse()?),
            "--watermark" => asked.since = Some(Since { column: value()?, from: None }),
            "--from" => {
                let since = asked.since.as_mut().ok_or("--from stands behind --watermark")?;
                since.from = Some(Mark(value()?));
            }
            "--count" => asked.count = true,
            "--rounds" => asked.rounds = value()?.parse()?,
            "--" => asked.values = words.by_ref().collect(),
            _ => return Err(format!("{option}?").into()),
        }
    }
    Ok(asked)
}

fn question(asked: &Asked) -> Result<Question, Box<dyn std::error::Error>> {
    let text = asked.question.clone();
    Ok(match asked.access.engine {
        Engine::Ldap => {
            let mut parts = text.splitn(3, ';').map(str::to_owned);
            let mut next = || parts.next().ok_or("BASE;FILTER;ATTRIBUTES");
            let (base, filter, attributes) = (next()?, next()?, next()?);
            let attributes = attributes.split(',').map(str::to_owned).collect();
            Question::Ldap { base, filter, attributes }
        }
        Engine::Redis => Question::Redis { key: text },
        _ => Question::Sql(text),
    })
}

async fn pulled(asked: &Asked) -> Outcome {
    let mut writer = SpoolWriter::new(&std::env::temp_dir())?;
    let pulled = pull(&asked.access, &question(asked)?, asked.since.as_ref(), &mut writer).await?;
    let spool = writer.finish()?;
    let mut reader = spool.reader()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "columns\t{}", reader.columns().join("\t"))?;
    let mut cells = Vec::new();
    while !asked.count && reader.next(&mut cells)? {
        writeln!(out, "row\t{}", shown(&cells))?;
    }
    let mark = pulled.mark.map_or_else(|| "none".to_owned(), |mark| mark.0);
    writeln!(out, "rows\t{}\nmark\t{mark}", pulled.rows)?;
    Ok(())
}

async fn answered(asked: &Asked) -> Outcome {
    let mut connection = Connection::open(&asked.access, &question(asked)?).await?;
    let mut answers = Vec::new();
    for _ in 0..asked.rounds {
        answers = connection.ask(&asked.values).await?;
    }
    let mut out = std::io::stdout().lock();
    for (value, rows) in asked.values.iter().zip(answers) {
        writeln!(out, "value\t{value:?}\t{}", rows.len())?;
        for row in rows {
            writeln!(out, "columns\t{}\nrow\t{}", row.columns.join("\t"), shown(&row.cells))?;
        }
    }
    Ok(())
}

async fn listened(asked: &Asked) -> Outcome {
    let mut listener = Listener::open(&asked.access, &asked.question).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening")?;
    loop {
        listener.next().await?;
        writeln!(out, "told")?;
    }
}

/// Cells in the order of their columns; NULL without quotes.
fn shown(cells: &[Option<String>]) -> String {
    let cell = |cell: &Option<String>| match cell {
        Some(text) => format!("{text:?}"),
        None => "NULL".to_owned(),
    };
    cells.iter().map(cell).collect::<Vec<_>>().join("\t")
}
