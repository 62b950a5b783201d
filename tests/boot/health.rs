//! `entry --health` beside a running entry, in all its states.

use crate::support::http::free_port;
use crate::support::{Entry, Running, binary, wait};
use nix::sys::signal::Signal;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Command;

/// What it prints and its exit code, asked as `docker exec` does.
fn asked(running: &Running, words: &[&str]) -> (String, i32) {
    let modes = running.folder().join("modes");
    let output = Command::new("nsenter")
        .args([
            "--target",
            &running.pid().to_string(),
            "--pid",
            "--mount",
            "--",
        ])
        .arg(binary("entry"))
        .arg("--modes")
        .arg(modes)
        .arg("--health")
        .args(words)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let folder = running.folder().display().to_string();
    let said = said.trim_end().replace(&folder, "FOLDER");
    (said, output.status.code().unwrap())
}

fn healthy(running: &Running, expected: &str) {
    assert_eq!(asked(running, &[]), (format!("healthy: {expected}"), 0));
}

fn unhealthy(running: &Running, expected: &str) {
    assert_eq!(asked(running, &[]), (format!("unhealthy: {expected}"), 1));
}

/// A mode `web` that sleeps until it is stopped, and that is a second on its way then.
fn sleeping(health: &str) -> Running {
    let mode = format!(
        "command: [sh, -c, 'trap \"touch $FOLDER/told\" TERM; echo up; while [ ! -e $FOLDER/go ]; do sleep 0.05; done']\nhealth: {health}"
    );
    let entry = Entry::pid1();
    let folder = entry.folder().to_owned();
    let running = entry
        .env("FOLDER", folder)
        .mode("web", &mode)
        .args(["web"])
        .start();
    up(&running);
    running
}

/// The app is up, and entry shows it, which it does a moment later.
fn up(running: &Running) {
    running.stdout.wait_for("up");
    wait::until("entry shows that it runs", || {
        (asked(running, &[]).0 != "unhealthy: it still boots").then_some(())
    });
}

fn end(running: Running) {
    std::fs::write(running.folder().join("go"), "").unwrap();
    running.finish().expect(0);
}

#[test]
fn tcp_and_what_drains() {
    let port = free_port();
    let running = sleeping(&format!("{{tcp: {port}}}"));
    let (said, code) = asked(&running, &[]);
    let refused = format!("unhealthy: 127.0.0.1:{port}: no connection: ");
    assert!(said.starts_with(&refused), "{said}");
    assert_eq!(code, 1);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    healthy(&running, &format!("127.0.0.1:{port} accepts connections"));
    assert_eq!(asked(&running, &["web"]).1, 0);
    drop(listener);
    // A child that another test forks may hold the port until its execve.
    wait::until("the port is closed", || {
        (asked(&running, &[]).1 == 1).then_some(())
    });
    // A task that drains is well, whatever its server says.
    running.signal(Signal::SIGTERM);
    wait::until("the stop has come", || {
        running.folder().join("told").exists().then_some(())
    });
    // PID 1 shows it right after it has told the app.
    wait::until("entry shows that it stops", || {
        (asked(&running, &[]) == ("healthy: it is stopping".to_owned(), 0)).then_some(())
    });
    end(running);
}

#[test]
fn a_hung_server_on_a_unix_socket() {
    let entry_folder = tempfile::tempdir().unwrap();
    let socket = entry_folder.path().join("s");
    let page = format!("http://unix:{}:/up", socket.display());
    let running = sleeping(&format!("{{http: \"{page}\", timeout: 3s}}"));
    assert_eq!(asked(&running, &[]).1, 1);
    // It accepts, and never answers.
    let listener = UnixListener::bind(&socket).unwrap();
    let (said, code) = asked(&running, &[]);
    assert!(
        said.starts_with(&format!("unhealthy: {page}: no answer within ")),
        "{said}"
    );
    assert_eq!(code, 1);
    for (status, code) in [("200 OK", 0), ("503 Busy", 1)] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let listener = listener.try_clone().unwrap();
        let server = std::thread::spawn(move || {
            use std::io::{Read, Write};
            loop {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                // Those that gave up on it are in its queue, too.
                let asked = stream.read(&mut request).unwrap_or(0) > 0;
                if asked && stream.write_all(answer.as_bytes()).is_ok() {
                    return;
                }
            }
        });
        assert_eq!(asked(&running, &[]).1, code, "{status}");
        server.join().unwrap();
    }
    end(running);
}

#[test]
fn a_heartbeat() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("beat");
    let running = sleeping(&format!("{{file: {}, max_age: 60s}}", file.display()));
    let (said, code) = asked(&running, &[]);
    assert!(
        said.ends_with("beat: No such file or directory (os error 2)"),
        "{said}"
    );
    assert_eq!(code, 1);
    std::fs::write(&file, "").unwrap();
    assert_eq!(asked(&running, &[]).1, 0);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
    std::fs::File::open(&file)
        .unwrap()
        .set_modified(old)
        .unwrap();
    let (said, code) = asked(&running, &[]);
    assert!(said.contains("was changed 1m 4"), "{said}");
    assert!(said.ends_with("more than 1m"), "{said}");
    assert_eq!(code, 1);
    end(running);
}

#[test]
fn a_mode_without_health_is_well_while_it_runs() {
    let entry = Entry::pid1()
        .mode("web", "command: [sh, -c, 'echo up; read x']")
        .args(["web"]);
    let running = entry.start();
    up(&running);
    healthy(&running, "it runs");
    let (said, code) = asked(&running, &["wbe"]);
    assert!(
        said.contains("did you mean web?") || said.contains("wbe"),
        "{said}"
    );
    assert_eq!(code, 1);
    running.finish().expect(1);
}

#[test]
fn what_boots_is_not_well_yet() {
    let entry = Entry::pid1();
    let folder = entry.folder().to_owned();
    let mode = "before: [{command: [sh, -c, 'echo hook; while [ ! -e $FOLDER/go ]; do sleep 0.05; done']}]\ncommand: 'true'";
    let running = entry
        .env("FOLDER", &folder)
        .mode("web", mode)
        .args(["web"])
        .start();
    running.stdout.wait_for("hook");
    unhealthy(&running, "it still boots");
    std::fs::write(folder.join("go"), "").unwrap();
    running.finish().expect(0);
}

#[test]
fn without_an_entry() {
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(binary("entry"))
        .arg("--health")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("unhealthy: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
