//! The readers there are.

/// One reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reader {
    /// As it is called at the command line, and by the programs that are started.
    pub(super) name: &'static str,
    /// For a person.
    pub(super) title: &'static str,
    pub(super) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// What a database has given, without the database.
    Rows,
    Server {
        /// Its name among the programs of the tests.
        needs: &'static str,
        /// It has one in so many of the people, because to fill it takes long.
        one_in: u64,
    },
}

const fn file(name: &'static str, title: &'static str) -> Reader {
    Reader { name, title, kind: Kind::File }
}

const fn server(
    name: &'static str,
    title: &'static str,
    needs: &'static str,
    one_in: u64,
) -> Reader {
    Reader { name, title, kind: Kind::Server { needs, one_in } }
}

/// All of them, CSV first.
pub(super) static READERS: [Reader; 20] = [
    file("csv", "CSV"),
    file("tsv", "TSV"),
    file("txt", "text, one a line"),
    file("map", "access map"),
    file("xml", "XML"),
    file("json", "JSON"),
    file("ndjson", "NDJSON"),
    file("xlsx", "XLSX"),
    file("csv.gz", "CSV in gzip"),
    file("csv.zst", "CSV in zstd"),
    file("csv.zip", "CSV in zip"),
    file("folder", "ten CSV files"),
    Reader { name: "table", title: "rows of a database", kind: Kind::Rows },
    server("http", "CSV by HTTP, nginx", "nginx", 1),
    server("sqlite", "SQLite", "sqlite3", 1),
    server("postgres", "PostgreSQL", "postgresql", 1),
    server("mysql", "MariaDB", "mariadb", 1),
    server("sqlserver", "SQL Server, pysqlbridge", "pysqlbridge", 4),
    server("redis", "Redis, a set", "redis", 1),
    server("ldap", "OpenLDAP", "openldap", 10),
];

/// The reader of this name.
pub(super) fn named(name: &str) -> Result<&'static Reader, String> {
    READERS.iter().find(|reader| reader.name == name).ok_or_else(|| {
        let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
        format!("there are {}", names.join(", "))
    })
}
