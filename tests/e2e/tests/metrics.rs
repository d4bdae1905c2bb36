//! `optgate metrics`, as Prometheus reads it.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use e2e::{Gate, Peers, Postfix, Scratch, Setup, Smarthost, run};

#[test]
fn prometheus_understands_the_metrics_with_promtool_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    // A list that cannot be read has no age, and stands there all the same.
    let setup = Setup {
        tables: "[[source]]\nname = \"missing\"\ncsv = \"no-such-file.csv\"\n\
                 scope = \"newsletter\"\n"
            .to_owned(),
        ..Setup::new(postfix.address())
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    let running = gate.ask(&["metrics"]);
    assert_eq!(running.code, 0, "{}", running.text());
    is_understood(&scratch, &running.out);
    for name in ["crm.csv", "missing"] {
        assert!(running.out.contains(&format!("\"{name}\"")), "{name}: {}", running.out);
    }
    assert!(!running.out.contains("bob@"), "{}", running.out);

    // Without a gate there is less to tell.
    gate.stop();
    let alone = gate.ask(&["metrics"]);
    is_understood(&scratch, &alone.out);
    assert!(alone.out.lines().count() < running.out.lines().count(), "{}", alone.out);
}

#[track_caller]
fn is_understood(scratch: &Scratch, metrics: &str) {
    assert!(metrics.contains("# HELP ") && metrics.contains("# TYPE "), "{metrics}");
    let file = File::open(scratch.write("metrics", metrics)).unwrap();
    let mut promtool = Peers::get().command("promtool");
    let ran =
        run(promtool.args(["check", "metrics"]).stdin(Stdio::from(file)), Duration::from_secs(60));
    assert!(ran.code == 0 && ran.text().is_empty(), "{}\n{metrics}", ran.text());
}
