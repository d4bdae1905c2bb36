//! The steps in which the product reads a source.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use sources::{
    Access, Columns, CsvSpec, Engine, Fetched, Format, Input, Inputs, JsonSpec, List, Password,
    Question, Spec, Spool, SpoolWriter, Tls, Validators, WebAccess, XmlSpec, fetch, pull,
};
use suppression::Timestamp;

use crate::Result;
use crate::meter::{Figures, Watch};
use crate::written::person;

/// For an answer to begin, and for more of it to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// No page of the benchmark is larger.
const PAGE_LIMIT: u64 = 4 << 30;

/// Reads a file or a folder. Of the format `table` there is no file: PATH is the number of rows.
pub(crate) fn file(format: &str, path: &Path) -> Result<Figures> {
    let (spec, inputs) = match format {
        "table" => {
            let rows = path.to_str().ok_or("how many rows?")?.parse()?;
            (Format::Table(Columns::default()), Inputs::spool("list", spool(rows)?))
        }
        "xml" => {
            let record = "/people/person[@optout='1']".parse()?;
            let (email, date, reason) = (None, None, None);
            let (kind, scope, until, encoding) = (None, None, None, None);
            let spec = XmlSpec { record, email, date, reason, kind, scope, until, encoding };
            (Format::Xml(spec), Inputs::at(path)?)
        }
        "json" => {
            let records = Some("items".to_owned());
            (Format::Json(JsonSpec { records, ..JsonSpec::default() }), Inputs::at(path)?)
        }
        _ => (Format::Detect(CsvSpec::default()), Inputs::at(path)?),
    };
    list(spec, inputs, 0.0)
}

/// Reads what a database gives.
pub(crate) fn database(
    engine: &str,
    url: &str,
    question: &str,
    user: Option<&str>,
) -> Result<Figures> {
    let engine = match engine {
        "postgres" => Engine::Postgres,
        "mysql" => Engine::MySql,
        "sqlserver" => Engine::SqlServer,
        "sqlite" => Engine::Sqlite,
        "ldap" => Engine::Ldap,
        "redis" => Engine::Redis,
        _ => return Err("which engine?".into()),
    };
    let question = match engine {
        Engine::Ldap => {
            let mut parts = question.splitn(3, ';').map(str::to_owned);
            let mut next = || parts.next().ok_or("BASE;FILTER;ATTRIBUTES");
            let (base, filter, attributes) = (next()?, next()?, next()?);
            let attributes = attributes.split(',').map(str::to_owned).collect();
            Question::Ldap { base, filter, attributes }
        }
        Engine::Redis => Question::Redis { key: question.to_owned() },
        _ => Question::Sql(question.to_owned()),
    };
    let password = user.map(|_| Password::Environment("OPTGATE_MEASURE_PASSWORD".to_owned()));
    // It takes no password in the clear.
    let tls = if engine == Engine::SqlServer { Tls::Unverified } else { Tls::Off };
    let access = Access {
        engine,
        url: url.to_owned(),
        user: user.map(str::to_owned),
        password,
        tls,
        timeout: PATIENCE,
    };
    let mut watch = Watch::start();
    let spool = runtime()?.block_on(async {
        let mut writer = SpoolWriter::new(&std::env::temp_dir())?;
        pull(&access, &question, None, &mut writer).await?;
        Result::Ok(writer.finish()?)
    })?;
    list(Format::Table(Columns::default()), Inputs::spool("list", spool), watch.lap())
}

/// Reads what a web server gives.
pub(crate) fn page(url: &str) -> Result<Figures> {
    let access = WebAccess {
        url: url.to_owned(),
        user: None,
        password: None,
        tls: Tls::Off,
        timeout: PATIENCE,
        limit: PAGE_LIMIT,
    };
    let mut watch = Watch::start();
    let known = Validators::default();
    let fetched = runtime()?.block_on(fetch(&access, &known, &std::env::temp_dir()))?;
    let Fetched::Page(page) = fetched else { return Err("the server gave nothing".into()) };
    let input = Input::opened(Path::new(&page.name), page.file)?;
    list(Format::Detect(CsvSpec::default()), Inputs::one(input), watch.lap())
}

/// The first look, the check and the read.
fn list(format: Format, inputs: Inputs, fetch: f64) -> Result<Figures> {
    let spec = Spec::new("list", format);
    let bytes = inputs.length();
    let now: Timestamp = "2100-01-01".parse()?;
    let mut watch = Watch::start();
    let list = List::open(inputs, &spec, &mut |_| ())?;
    let report = list.check(now, &mut |_| ())?;
    let check = watch.lap();
    let mut rows = 0_u64;
    list.read(now, &mut |_| (), &mut |_| {
        rows += 1;
        ControlFlow::Continue(())
    })?;
    let read = watch.lap();
    if report.accepted != rows {
        let found = list.describe();
        return Err(format!("{} rows accepted, {rows} read: {found}", report.accepted).into());
    }
    Ok(Figures { rows, bytes, fetch, check, read })
}

fn spool(rows: u64) -> Result<Spool> {
    let mut writer = SpoolWriter::new(&std::env::temp_dir())?;
    writer.columns(&["email", "created", "reason"])?;
    for n in 0..rows {
        let cells = person(n);
        writer.row(cells.iter().map(|cell| Some(cell.as_str())))?;
    }
    Ok(writer.finish()?)
}

/// As in the product: threads, whose stacks and heaps count.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
