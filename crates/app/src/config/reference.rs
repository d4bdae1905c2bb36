//! `docs/configuration.md`, made from the table of keys. A test holds the file
//! against it.

use std::fmt::Write as _;

use super::file::sections;
use super::section::Rule;

const HEAD: &str = "# The configuration file\n\n\
Made from the program's own table of keys; `OPTGATE_BLESS=1 cargo test -p app` writes it anew.\n\n\
One TOML file. Every key has a default but `[smarthost] address`, and who may relay through a\n\
listener that is not on a loopback address. `optgate init` writes a commented file,\n\
`optgate check` tells every error at once, `optgate config show` tells every effective value and\n\
where it comes from. Relative paths are seen from the folder of the file. The smallest useful one:\n\n\
```toml\n\
[smarthost]\n\
address = \"relay.corp.example:587\"\n\n\
[[listener]]\n\
address = \"0.0.0.0:25\"\n\
allow   = [\"10.0.0.0/8\"]\n\n\
[[source]]\n\
name = \"crm\"\n\
csv  = \"/srv/lists/optouts.csv\"\n\
```\n\n\
The environment variable `OPTGATE_LOG` comes before `[log] level`; `OPTGATE_CONFIG` names the file\n\
where `--config` is not given.\n";

/// The text of the reference.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    for section in sections() {
        let name = if section.many {
            format!("[[{}]]", section.name)
        } else {
            format!("[{}]", section.name)
        };
        let _ = writeln!(out, "\n## `{name}`\n\n{}", section.doc.trim());
        if section.many {
            let _ = writeln!(out, "May be given any number of times.");
        }
        for key in &section.keys {
            let _ = writeln!(out, "\n### `{}`\n\n{}\n", key.name, key.doc.trim());
            let _ = writeln!(out, "- form: {}; for example {}", key.form, code(key.forms));
            let _ = match &key.rule {
                Rule::Default(value) => writeln!(out, "- default: `{value}`"),
                Rule::Required(example) => writeln!(out, "- required; for example `{example}`"),
                Rule::Without(_, without) => writeln!(out, "- without it: {without}"),
            };
        }
    }
    out
}

/// An example as code, if it is code and not a sentence with code in it.
fn code(example: &str) -> String {
    if example.contains(" or ") || example.contains(", or") {
        example.to_owned()
    } else {
        format!("`{example}`")
    }
}
