//! OpenLDAP: a directory of people of its own for each test.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, run};
use crate::scratch::Scratch;

const NAME: &str = "openldap";
const START_LIMIT: Duration = Duration::from_secs(60);
/// A hundred thousand people are added within this.
const LOAD_LIMIT: Duration = Duration::from_secs(180);

/// A running server with `ou=people` in it.
pub struct Openldap {
    server: Server,
    /// Where it listens; with TLS it takes StartTLS there.
    pub address: SocketAddr,
    /// Where TLS begins at once.
    pub tls_address: Option<SocketAddr>,
    folder: PathBuf,
}

impl Openldap {
    /// Below what everything is.
    pub const BASE: &str = "ou=people,dc=corp,dc=example";
    /// Who may read everything and change nothing.
    pub const USER: &str = "cn=reader,dc=corp,dc=example";
    /// Its password.
    pub const PASSWORD: &str = "sesam \"und' %20 auf";

    /// Starts one without TLS.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, None)
    }

    /// Starts one that offers TLS; it takes no name and password without.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority) -> Self {
        Self::start_with(scratch, Some(authority))
    }

    fn start_with(scratch: &Scratch, authority: Option<&Authority>) -> Self {
        let folder = scratch.folder("openldap", None, 0o755);
        scratch.folder("openldap/data", None, 0o755);
        std::fs::write(folder.join("slapd.conf"), configuration(&folder, authority))
            .expect("a file can be written");
        let (address, tls_address) = (free_port(), authority.map(|_| free_port()));
        let server = serve(&folder, address, tls_address);
        let mut server = Self { server, address, tls_address, folder };
        server.wait();
        server.change(&format!(
            "dn: dc=corp,dc=example\nchangetype: add\nobjectClass: domain\ndc: corp\n\n\
             dn: {base}\nchangetype: add\nobjectClass: organizationalUnit\nou: people\n\n\
             dn: {user}\nchangetype: add\nobjectClass: organizationalRole\n\
             objectClass: simpleSecurityObject\ncn: reader\nuserPassword: {password}\n",
            base = Self::BASE,
            user = Self::USER,
            password = Self::PASSWORD,
        ));
        server
    }

    /// Adds people: the name of each, the address, and what else is to be in the entry,
    /// such as `employeeType: opted-out`.
    pub fn add<'a>(&self, people: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) {
        let mut text = String::new();
        for (name, address, more) in people {
            let _ = write!(
                text,
                "dn: uid={name},{base}\nchangetype: add\nobjectClass: inetOrgPerson\n\
                 uid: {name}\ncn: {name}\nsn: {name}\nmail: {address}\n{more}\n\n",
                base = Self::BASE,
            );
        }
        self.change(&text);
    }

    /// Changes entries, as LDIF says (RFC 2849).
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn change(&self, ldif: &str) {
        let file = self.folder.join("change.ldif");
        std::fs::write(&file, ldif).expect("a file can be written");
        // The owner of the directory, who may do so without TLS.
        let mut command = Peers::get().tool(NAME, "add");
        command.args(["-x", "-H", &format!("ldap://{}", self.address)]);
        command.args(["-D", "cn=admin,dc=corp,dc=example", "-w", "admin", "-f"]).arg(&file);
        let ran = run(command.stdin(Stdio::null()).env("LDAPNOINIT", "1"), LOAD_LIMIT);
        assert_eq!(ran.code, 0, "ldapmodify: {}", ran.text());
    }

    /// What it has logged: connections, searches with their filters, results.
    pub fn log(&self) -> String {
        self.server.printed()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Openldap::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder, self.address, self.tls_address);
        self.wait();
    }

    fn wait(&mut self) {
        let address = self.address;
        self.server.wait_ready(START_LIMIT, || std::net::TcpStream::connect(address).is_ok());
    }
}

impl Drop for Openldap {
    fn drop(&mut self) {
        // Its files go with it: there is nothing to put in order.
        self.server.kill();
    }
}

fn serve(folder: &Path, address: SocketAddr, tls_address: Option<SocketAddr>) -> Server {
    let tls = tls_address.map(|address| format!(" ldaps://{address}")).unwrap_or_default();
    let mut command = Peers::get().tool(NAME, "program");
    // Any level of `-d` keeps it in the foreground; this one is its statistics.
    command.args(["-d", "256", "-h", &format!("ldap://{address}{tls}"), "-f"]);
    Server::start(NAME, command.arg(folder.join("slapd.conf")), folder.join("openldap.log"))
}

fn configuration(folder: &Path, authority: Option<&Authority>) -> String {
    let root = Path::new(Peers::get().field(NAME, "root"));
    let (schema, modules) = (root.join("etc/ldap/schema"), root.join("usr/lib/ldap"));
    let tls = authority.map(|authority| {
        format!(
            "TLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n\
             TLSCACertificateFile {ca}\n",
            certificate = authority.certificate.display(),
            key = authority.key.display(),
            ca = authority.ca.display(),
        )
    });
    let only = if authority.is_some() {
        // The stage itself changes entries in the clear.
        "access to dn.exact=\"cn=reader,dc=corp,dc=example\" attrs=userPassword\n \
         by ssf=128 anonymous auth\n by * none\n"
    } else {
        ""
    };
    format!(
        "include {schema}/core.schema\ninclude {schema}/cosine.schema\n\
         include {schema}/inetorgperson.schema\nmodulepath {modules}\nmoduleload back_mdb\n\
         pidfile {folder}/pid\nargsfile {folder}/args\n{tls}\
         database mdb\nsuffix dc=corp,dc=example\n\
         rootdn cn=admin,dc=corp,dc=example\nrootpw admin\n\
         directory {folder}/data\nmaxsize 1073741824\ndbnosync\n\
         index objectClass,mail eq\n\
         limits dn.exact=\"cn=reader,dc=corp,dc=example\" size.prtotal=unlimited size.soft=500 \
         size.hard=500\n\
         {only}access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.exact=\"cn=reader,dc=corp,dc=example\" read by * none\n",
        schema = schema.display(),
        modules = modules.display(),
        folder = folder.display(),
        tls = tls.unwrap_or_default(),
    )
}
