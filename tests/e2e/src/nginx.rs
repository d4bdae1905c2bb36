//! nginx: a web server with the files of one folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::Server;
use crate::scratch::Scratch;

const NAME: &str = "nginx";
const START_LIMIT: Duration = Duration::from_secs(90);

/// A running server. It has `/open/`, `/basic/` and `/bearer/`, which give out the same
/// files to anybody, to [`Nginx::USER`], and to who has [`Nginx::TOKEN`]; and `/slow/`,
/// which gives them out at 20 kB a second.
pub struct Nginx {
    server: Server,
    /// Where it listens, in the clear or with TLS.
    pub address: SocketAddr,
    folder: PathBuf,
}

impl Nginx {
    /// The login of `/basic/`.
    pub const USER: &str = "reader";
    /// Its password.
    pub const PASSWORD: &str = "sesam \"und' %20 auf";
    /// What opens `/bearer/`.
    pub const TOKEN: &str = "dG9rZW4-of.the_tests";

    /// Starts one without TLS.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, "")
    }

    /// Starts one that speaks nothing but TLS.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority) -> Self {
        let lines = format!(
            "ssl_certificate {};\nssl_certificate_key {};\n",
            authority.certificate.display(),
            authority.key.display(),
        );
        Self::start_with(scratch, &lines)
    }

    fn start_with(scratch: &Scratch, tls: &str) -> Self {
        let folder = scratch.folder("nginx", None, 0o755);
        scratch.folder("nginx/files", None, 0o755);
        let address = free_port();
        let listen = if tls.is_empty() { "" } else { " ssl" };
        let root = folder.display();
        let files = format!("alias {root}/files/;");
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {root}/pid;\nerror_log {root}/error.log;\n\
             events {{ }}\nhttp {{\n\
             client_body_temp_path {root}/body;\nproxy_temp_path {root}/proxy;\n\
             fastcgi_temp_path {root}/fastcgi;\nuwsgi_temp_path {root}/uwsgi;\n\
             scgi_temp_path {root}/scgi;\n\
             log_format told '$request_method $uri $status $body_bytes_sent';\n\
             access_log {root}/access.log told;\n\
             server {{\nlisten {address}{listen};\n{tls}\
             location /open/ {{ {files} }}\n\
             location /slow/ {{ {files} limit_rate 20k; }}\n\
             location /basic/ {{ {files} auth_basic lists; auth_basic_user_file {root}/users; }}\n\
             location /bearer/ {{ {files}\n\
             if ($http_authorization != \"Bearer {token}\") {{ return 401; }} }}\n}}\n}}\n",
            token = Self::TOKEN,
        );
        fs::write(folder.join("nginx.conf"), configuration).expect("a file can be written");
        let users = format!("{}:{{PLAIN}}{}\n", Self::USER, Self::PASSWORD);
        fs::write(folder.join("users"), users).expect("a file can be written");
        let mut server = Self { server: serve(&folder), address, folder };
        server.wait();
        server
    }

    /// Writes one of its files, as a whole.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let new = self.folder.join("new");
        fs::write(&new, content).expect("a file can be written");
        fs::rename(new, self.folder.join("files").join(name)).expect("a file can be moved");
    }

    /// The requests so far: method, path, status and bytes of each, one a line.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("access.log")).unwrap_or_default()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Nginx::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder);
        self.wait();
    }

    fn wait(&mut self) {
        let address = self.address;
        self.server.wait_ready(START_LIMIT, || std::net::TcpStream::connect(address).is_ok());
    }
}

fn serve(folder: &Path) -> Server {
    let mut command = Peers::get().tool(NAME, "program");
    // -e: before it has read its configuration it would write to the system's own log.
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(folder);
    command.arg("-c").arg(folder.join("nginx.conf"));
    Server::start(NAME, &mut command, folder.join("nginx.log"))
}
