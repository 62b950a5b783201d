//! Every way an app can end, and every way it can fail to start.

use super::both;
use crate::support::Entry;

#[test]
fn every_exit_code_passes() {
    for entry in both() {
        for code in 0..=255 {
            entry()
                .oneoff(["sh", "-c", &format!("exit {code}")])
                .run()
                .expect(code);
        }
    }
}

#[test]
fn every_death_by_signal_is_128_and_its_number() {
    // Their default is not to kill (signal(7)).
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28, 32, 33];
    for entry in both() {
        for number in (1..=64).filter(|number| !harmless.contains(number)) {
            let script = format!("ulimit -c 0; kill -{number} $$; sleep 60");
            let done = entry()
                .oneoff(["sh", "-c", &script])
                .run()
                .expect(128 + number);
            assert!(
                done.line("stop")["reason"]
                    .as_str()
                    .unwrap()
                    .starts_with("killed by SIG")
            );
        }
    }
}

type Start = Box<dyn Fn(Entry) -> Entry>;

#[test]
fn a_command_that_cannot_run_says_why() {
    let script = |mode: u32, content: &'static str| {
        move |entry: Entry| {
            let entry = entry.program("app", content, mode);
            entry.oneoff(["./app"])
        }
    };
    let cases: [(Start, i32, &str); 7] = [
        (
            Box::new(|e| e.env("PATH", "/usr/bin").oneoff(["nope"])),
            127,
            "nope: not found in PATH (/usr/bin): is it in the image?",
        ),
        (
            Box::new(|e| e.oneoff(["./nope"])),
            127,
            "./nope: no such file: is it in the image?",
        ),
        (
            Box::new(script(0o755, "#!/no/ruby -w\n")),
            127,
            "./app: its interpreter \"/no/ruby\" is missing: install it in the image",
        ),
        (
            Box::new(script(0o644, "#!/bin/sh\n")),
            126,
            "./app: Permission denied: chmod +x it in the image",
        ),
        (Box::new(|e| e.oneoff(["/etc"])), 126, "/etc: not a file"),
        (
            Box::new(script(0o755, "echo no shebang\n")),
            126,
            "./app: exec format error: a script without #! line, or a binary of another architecture",
        ),
        (
            Box::new(|e| e.oneoff([""])),
            127,
            "the command is empty: give a program",
        ),
    ];
    for entry in both() {
        for (start, code, message) in &cases {
            let done = start(entry()).run().expect(*code);
            assert_eq!(done.errors(), [*message]);
            assert!(
                done.lines().iter().all(|line| line["event"] != "start"),
                "{}",
                done.stderr()
            );
        }
    }
}
