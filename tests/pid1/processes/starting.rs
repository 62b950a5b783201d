//! What starts when, and with what; what is told beforehand.

use super::{WAITS, all, pid_of, touch};
use crate::pid1::both;
use crate::support::{Entry, http, wait};
use nix::sys::signal::Signal;
use nix::unistd::getpgid;
use std::fmt::Write as _;

#[test]
fn they_share_an_environment_and_nothing_else() {
    let show = "echo $A $(id -u) $PWD $(umask) $(grep SigBlk /proc/self/status); echo up; trap 'exit 0' TERM; read line || echo no input; while :; do sleep 0.02; done";
    for place in both() {
        let processes = [("web", show, ""), ("worker", show, "")];
        let more = "env: {A: a}\nuser: nobody\nworkdir: /usr\numask: \"0027\"";
        let running = all(place, &processes, more).start();
        running.stdout.wait_for_nth("no input", 2);
        for name in ["web", "worker"] {
            let pid = pid_of(&running, name);
            assert_eq!(getpgid(Some(pid)).unwrap(), pid, "{name}");
        }
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let line = "a 65534 /usr 0027 SigBlk: 0000000000000000\n";
        assert_eq!(done.stdout().matches(line).count(), 2, "{}", done.stdout());
    }
}

#[test]
fn the_second_starts_when_the_first_is_ready() {
    // What shows that it is ready, and what brings that about.
    let tcp = http::free_port();
    let page = http::free_port();
    let server = |port: u16, answer: &str| {
        let code = format!(
            "use IO::Socket::INET; 1 until -e q(go) || !select undef, undef, undef, 0.02; \
             my $s = IO::Socket::INET->new(LocalAddr => q(127.0.0.1:{port}), Listen => 5, ReuseAddr => 1) or die; \
             while (my $c = $s->accept) {{ my $line = <$c>; my $code = -e q(well) ? 200 : 503; print $c qq({answer}) if $line; close $c }}"
        );
        format!("exec perl -e '{code}'")
    };
    let error = "HTTP/1.0 $code x\\r\\n\\r\\n";
    let wait_for_go = "until [ -e go ]; do sleep 0.02; done";
    let cases = [
        ("tcp", tcp.to_string(), server(tcp, "")),
        (
            "http",
            format!("\"http://127.0.0.1:{page}/up\""),
            server(page, error),
        ),
        (
            "file",
            "FOLDER/ready".to_owned(),
            format!("{wait_for_go}; touch ready; {WAITS}"),
        ),
        (
            "line",
            "\"is ready\"".to_owned(),
            format!("echo is not; {wait_for_go}; echo it is ready, yes >&2; {WAITS}"),
        ),
    ];
    for place in both() {
        for (sign, value, script) in &cases {
            let mut processes = vec![("worker", "echo worker; exec sleep 60", ", after: web")];
            let entry = all(place, &[], "");
            let value = value.replace("FOLDER", &entry.folder().display().to_string());
            let keys = format!(", ready: {{{sign}: {value}, timeout: 50s}}");
            processes.push(("web", script, &keys));
            let mut yaml = String::from("processes:\n");
            for (name, script, keys) in &processes {
                let command = serde_json::json!(["sh", "-c", script]);
                let _ = writeln!(yaml, "  {name}: {{command: {command}{keys}}}");
            }
            let running = entry.mode("all", &yaml).start();
            let web = pid_of(&running, "web");
            assert!(!wait::gone(web));
            assert!(
                !running.stderr.so_far().contains("worker started"),
                "{sign}"
            );
            touch(running.folder(), "go");
            if *sign == "http" {
                // It answers, but with an error.
                wait::until("an answer", || http::get(page, "/up").ok());
                assert!(!running.stderr.so_far().contains("worker started"));
                touch(running.folder(), "well");
            }
            running.stdout.wait_for("worker");
            running.signal(Signal::SIGTERM);
            let done = running.finish();
            let lines = done.lines();
            let steps: Vec<String> = lines
                .iter()
                .filter(|line| {
                    ["process_started", "process_ready"]
                        .iter()
                        .any(|one| line["event"] == *one)
                })
                .map(|line| format!("{} {}", line["event"], line["process"]).replace('"', ""))
                .collect();
            let expected = [
                "process_started web",
                "process_ready web",
                "process_started worker",
            ];
            assert_eq!(steps, expected, "{sign}: {}", done.stderr());
        }
    }
}

#[test]
fn all_missing_programs_are_told_and_nothing_starts() {
    let entry = Entry::new()
        .mode("all", "processes: {a: {command: nope-a}, b: {command: touch started}, c: {command: nope-c}}\n")
        .env("PATH", "/usr/bin:/bin")
        .args(["all"]);
    let done = entry.run().expect(127);
    let missing = "not found in PATH (/usr/bin:/bin): is it in the image?";
    let expected = [("a", "nope-a"), ("c", "nope-c")]
        .map(|(name, program)| format!("modes/all.yml:1: {name}: {program}: {missing}"));
    assert_eq!(done.errors(), expected);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn a_mode_of_several_takes_no_arguments() {
    let done = all(Entry::new, &[("a", "touch started", "")], "")
        .args(["more"])
        .run()
        .expect(125);
    let error = "mode all runs several processes and takes no arguments, but got \"more\"";
    assert_eq!(done.errors(), [error]);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn explain_tells_of_processes() {
    let yaml = "stop: {grace: 8s}\nprocesses:
  redis: {command: redis-server, ready: {tcp: 6379}, restart: true}
  web: {command: \"puma -p ${PORT}\", after: redis, stop: {preset: puma, drain: 5s, grace: 10s}, ready: {http: \"http://localhost:3000/up\", timeout: 2m}}
  clock: {command: clock, after: [web, redis], optional: true, ready: {line: It is}}\n";
    let done = Entry::new()
        .mode("all", yaml)
        .env("PORT", "4711")
        .args(["--explain", "all"])
        .run()
        .expect(0);
    let expected = "mode all
  1. start redis: redis-server; ready when 127.0.0.1:6379 accepts connections, within 1m; started again after 1s up to 1m
  2. start web: puma -p ${PORT}, once redis is ready; ready when http://127.0.0.1:3000/up answers, within 2m
  3. start clock: clock, once redis and web are ready; ready when a line holds \"It is\", within 1m; its end ends nothing else

stop of all in reverse order, 26.0 s at most
stop of redis (plain), on SIGTERM, SIGINT
     0.0 s  the same signal to its process group
     8.0 s  SIGKILL to whatever is left
stop of web (puma), on SIGTERM, SIGINT, SIGQUIT
     0.0 s  keeps serving while the load balancer turns away
     5.0 s  SIGTERM to the process
    15.0 s  SIGKILL to whatever is left
stop of clock (plain), on SIGTERM, SIGINT
     0.0 s  the same signal to its process group
     8.0 s  SIGKILL to whatever is left
";
    assert_eq!(done.stdout(), expected);
}

#[test]
fn a_shell_before_a_server_is_warned_of() {
    let processes = [
        ("web", "true; true", ", stop: {preset: puma, drain: 0s}"),
        ("worker", "exec sleep 60", ", stop: sidekiq"),
        ("clock", "true; sleep 60", ""),
    ];
    let done = all(Entry::new, &processes, "").run().expect(0);
    let lines = done.lines();
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "warning")
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let text = "mode all: web's command is a shell, which gets puma's signals in its server's place: run the server itself, or `exec` it in the shell";
    assert_eq!(warnings[0]["message"], text);
}
