//! The keys of a `[[source]]`: the longest section of the file, in a file of its own.

use suppression::Scope;

use crate::config::choice::{
    BasisWord, HashWord, KindWord, ModeWord, NormaliseWord, SaltPlaceWord, TlsWord,
};
use crate::config::fault::Fault;
use crate::config::form::{Count, FilePath, Flag, Form, Text};
use crate::config::location::{DatabaseUrl, ListPlace, Variable};
use crate::config::naming::{
    CharsetSaid, ColumnSaid, DelimiterSaid, RecordSaid, SourceName, Words,
};
use crate::config::quantity::{Share, Span, SpanOrNever};
use crate::config::scope::{ScopeSaid, Scopes};
use crate::config::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section,
};

section! {
    /// A list that is kept outside: of opt-outs, complaints, blocks, bounces or consents. It is read into the ledger and kept in step, or asked for each recipient. Where it is, exactly one of these says: `csv`, `xml`, `json`, `text`, `xlsx`, `access_map` or `file` for a file, a folder, a pattern or a URL; `postgres`, `mysql`, `sqlserver`, `sqlite`, `ldap` or `redis` for a database.
    Source = "source", many {
        /// Its name. It stands in refusals: "(list crm)".
        name: SourceName = required("\"crm\""),
        /// A CSV file; or a folder or a pattern, whose files are one list together; or the URL of one.
        csv: ListPlace = without("\"/srv/lists/optouts.csv\"", "another place"),
        /// The same, of XML.
        xml: ListPlace = without("\"/srv/lists/shop.xml\"", "another place"),
        /// The same, of JSON: an array of objects, an object with such an array inside, or one object a line.
        json: ListPlace = without("\"https://crm.corp.example/api/optouts\"", "another place"),
        /// The same, of text with one address a line.
        text: ListPlace = without("\"/srv/lists/optouts.txt\"", "another place"),
        /// The same, of workbooks.
        xlsx: ListPlace = without("\"/srv/lists/optouts.xlsx\"", "another place"),
        /// The same, of Postfix access maps (access(5)): those refused there are opt-outs here.
        access_map: ListPlace = without("\"/etc/postfix/recipient_access\"", "another place"),
        /// The same, of whatever it is: found out by its content.
        file: ListPlace = without("\"/srv/lists/*.zip\"", "another place"),
        /// A database of PostgreSQL.
        postgres: DatabaseUrl = without("\"postgres://db.corp.example/crm\"", "another place"),
        /// A database of MySQL or MariaDB.
        mysql: DatabaseUrl = without("\"mysql://db.corp.example/crm\"", "another place"),
        /// A database of Microsoft SQL Server.
        sqlserver: DatabaseUrl = without("\"sqlserver://db.corp.example/crm\"", "another place"),
        /// A database of SQLite: its file.
        sqlite: FilePath = without("\"/srv/crm/crm.db\"", "another place"),
        /// An LDAP directory, such as Active Directory.
        ldap: DatabaseUrl = without("\"ldaps://dc1.corp.example\"", "another place"),
        /// Redis or Valkey.
        redis: DatabaseUrl = without("\"redis://cache.corp.example/0\"", "another place"),
        /// What is read from a database: a query whose rows have the address, and may have the other columns. In mode "live", with @recipient in the place of the address, or the database's own $1, ? or @P1.
        query: Text = without("\"SELECT email, opted_out_at FROM contacts WHERE optout\"", "required (PostgreSQL, MySQL, SQL Server, SQLite)"),
        /// Where the search in a directory begins, with everything below.
        base: Text = without("\"ou=People,dc=corp,dc=example\"", "required (LDAP)"),
        /// What an object of the directory must be (RFC 4515). In mode "live", with @recipient in the place of the address.
        filter: Text = without("\"(&(objectClass=person)(mailOptOut=TRUE))\"", "required (LDAP)"),
        /// The attributes that are columns; the first is the address.
        attributes: Words = without("[\"mail\", \"mailOptOutDate\"]", "[\"mail\"] (LDAP)"),
        /// The key of a set of addresses, or of a hash whose fields are addresses and whose values are reasons.
        key: Text = without("\"optouts\"", "required (Redis)"),
        /// The name to log in with; of LDAP the name to bind as.
        user: Text = without("\"optgate\"", "no login"),
        /// A file whose first line is the password. It is read at each login.
        password_file: FilePath = without("\"/etc/optgate/crm.password\"", "no password"),
        /// An environment variable that holds the password.
        password_env: Variable = without("\"CRM_PASSWORD\"", "no password"),
        /// A file whose first line is the bearer token of a URL (RFC 6750).
        token_file: FilePath = without("\"/etc/optgate/crm.token\"", "no token"),
        /// An environment variable that holds the bearer token.
        token_env: Variable = without("\"CRM_TOKEN\"", "no token"),
        /// How the connection is protected: "verify", encrypted to a server whose name and certificate are verified; "unverified", encrypted to whoever answers; or "off".
        tls: TlsWord = without("\"verify\"", "verify; off to a loopback address"),
        /// The authorities whose certificates are trusted, PEM.
        ca: FilePath = without("\"/etc/optgate/ca.pem\"", "those of the system"),
        /// How long a connection may take to be made, and an answer to begin and to go on.
        timeout: Span = without("\"30s\"", "30s; 2s in mode \"live\""),
        /// How it is used: "sync", it is read into the ledger, which answers for it; or "live", a database is asked about each recipient while the client waits.
        mode: ModeWord = default(ModeWord::Sync),
        /// How often it is looked at.
        every: Span = without("\"5m\"", "5m for a database or a URL; a file is watched, and looked at every 2s"),
        /// A column that grows with each change of a row, such as a time or a ROWVERSION, or an attribute of LDAP that does, such as uSNChanged: only what is new is read, and all of it every full_every.
        watermark: Text = without("\"updated_at\"", "all of it is read each time"),
        /// How often all of it is read, where there is a watermark. Only then are rows missed, or taken back by mirror.
        full_every: Span = without("\"24h\"", "24h (watermark)"),
        /// How far back what was read is read again: rows whose transaction took this long from their watermark to being seen are not missed.
        overlap: Span = without("\"10m\"", "10m (watermark)"),
        /// The channel on which PostgreSQL tells of changes (NOTIFY), so that they count at once and not within `every`.
        notify: Text = without("\"optouts\"", "nobody tells"),
        /// Whether who is no longer on the list may be mailed again: it is the master of its entries. An opt-out does not expire, so think twice. Nobody is taken back while a row is bad or has no address, or a file was written less than 3s ago; a file without rows among several is refused.
        mirror: Flag = default(Flag(false)),
        /// How long an answer holds in mode "live".
        cache: SpanOrNever = without("\"5s\"", "5s (live)"),
        /// Connections at a time in mode "live".
        connections: Count<1, 1000> = without("4", "4 (live)"),
        /// Where the address stands: a column by name or number, a path inside the record (XML), a member (JSON).
        email: ColumnSaid = without("\"Email Address\"", "found by itself when it is obvious"),
        /// Where the date of the opt-out, or of the consent, stands.
        date: ColumnSaid = without("\"Opted out\"", "found by itself when it is obvious; else the day it was first seen (a consent needs one)"),
        /// Where the reason stands.
        reason: ColumnSaid = without("\"Reason\"", "found by itself when it is obvious; else none"),
        /// Where the kind of entry stands, if the rows differ.
        kind_column: ColumnSaid = without("\"type\"", "found by itself in exports that are recognised; else all rows are of one kind"),
        /// Where the scope stands, if the rows differ: "all", "commercial", or the name of a list.
        scope_column: ColumnSaid = without("\"list\"", "found by itself in exports that are recognised; else all rows are of one scope"),
        /// Where the time stands at which a bounce is forgotten, or a consent lapses.
        until: ColumnSaid = without("\"expires_at\"", "found by itself in exports that are recognised; else see expire_after and basis"),
        /// Which elements are records (XML).
        record: RecordSaid = without("\"/customers/customer[@optout='1']\"", "required (XML)"),
        /// Where the array of records is (JSON), as names parted by dots.
        records: Text = without("\"data.contacts\"", "found by itself when it is obvious"),
        /// The name of the sheet of a workbook.
        sheet: Text = without("\"Opt-outs\"", "the first"),
        /// What parts two fields (CSV).
        delimiter: DelimiterSaid = without("\";\"", "found by itself"),
        /// The character set.
        encoding: CharsetSaid = without("\"utf-8\"", "found by itself"),
        /// Whether the first line names the columns (CSV, workbooks).
        header: Flag = without("true", "found by itself"),
        /// Of a list of digests: how they are made.
        hashed: HashWord = without("\"md5\"", "a list of addresses"),
        /// What was done to an address before it was hashed: "lower", all of it in lower case; "lower-domain", only its domain; or "as-is", nothing.
        normalise: NormaliseWord = without("\"lower\"", "lower (hashed)"),
        /// A file whose first line is hashed together with each address.
        salt_file: FilePath = without("\"/etc/optgate/list.salt\"", "no salt"),
        /// An environment variable that is hashed together with each address.
        salt_env: Variable = without("\"LIST_SALT\"", "no salt"),
        /// Where the salt stands: "before" the address or "behind" it.
        salt_place: SaltPlaceWord = without("\"before\"", "before (salt)"),
        /// What kind of entries these are: "opt-out"; "complaint"; "manual", a block that no consent ends; "undeliverable", a bounce; or "consent".
        kind: KindWord = without("\"opt-out\"", "as the export is recognised; else opt-out"),
        /// What they forbid, or allow: "commercial" mail, "all", or the name of a list, brand or line of business.
        scope: ScopeSaid = default(ScopeSaid(Scope::Commercial)),
        /// Every scope its entries may have. While the list is unknown, because it was never read, is too old or does not answer, mail of these scopes is answered 451, and no other.
        scopes: Scopes = without("[\"newsletter\", \"spring-offers\"]", "the scope; everything where there is a scope_column"),
        /// What the consents rest on: "express" consent stands until it is withdrawn, consent by "purchase" lapses after 24 months and by "inquiry" after 6 (CASL s10(10)).
        basis: BasisWord = without("\"express\"", "express (consents)"),
        /// When a bounce is forgotten. Nothing else may expire.
        expire_after: SpanOrNever = without("\"90d\"", "90d (bounces)"),
        /// The age at which the list counts as unknown: recipients who are not on any list are then answered 451, on every stream that the list could stop. It counts from the file's own date, or what the web server says of it; of a database from the last reading. Of a folder or a pattern it counts from its oldest file, so that one export that stopped is noticed: each file is to be written anew in that time.
        max_age: Span = without("\"7d\"", "never"),
        /// A reading that has lost more rows than this, compared with the last good one, is refused.
        shrink_limit: Share = without("\"20%\"", "20%; 5% with mirror"),
        /// A reading in which more rows than this hold no address is refused.
        bad_rows: Share = default(Share(10.0)),
        /// Whether a list without any row is believed.
        allow_empty: Flag = default(Flag(false)),
        /// Whether a file is taken although it looks like a list of people who may be mailed.
        allow_subscribed: Flag = default(Flag(false)),
    }
}

impl Source {
    /// How the list is used. A word that is none is told already, and taken for the usual one.
    pub(crate) fn is_live(&self) -> bool {
        self.mode.value == ModeWord::Live
    }

    /// A fault at the heading, if the file has one.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::maybe_at(self.heading(), message)
    }
}
