//! `Dockerfile.example`, built with podman on a base image made on this machine, and run there.

mod compose;

use crate::support::http::free_port;
use crate::support::lines::Lines;
use crate::support::sealed::{CANARY, PASSPHRASE, assert_absent, seal};
use crate::support::{binary, repository, wait};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

/// The image's name. Built once for all tests, from the binary under test.
static IMAGE: LazyLock<String> = LazyLock::new(build);

fn build() -> String {
    let base = text(
        Command::new(repository("scripts/base-image"))
            .output()
            .unwrap(),
    );
    let context = tempfile::tempdir().unwrap();
    let path = context.path();
    for part in ["Dockerfile.example", ".dockerignore", "modes", "examples"] {
        let copied = Command::new("cp")
            .arg("-r")
            .arg(repository(part))
            .arg(path)
            .status()
            .unwrap();
        assert!(copied.success());
    }
    std::fs::create_dir(path.join("dist")).unwrap();
    std::fs::copy(binary("entry"), path.join("dist/entry")).unwrap();
    let sums = Command::new("sha256sum")
        .arg("entry")
        .current_dir(path.join("dist"))
        .output()
        .unwrap();
    std::fs::write(path.join("dist/SHA256SUMS"), sums.stdout).unwrap();
    let secrets = format!("production:\n  secret_key_base: \"{CANARY}\"\n");
    std::fs::write(
        path.join("examples/rails/config/secrets.yml"),
        seal(&secrets, &["$.production"]),
    )
    .unwrap();
    let name = "localhost/entry-test".to_owned();
    let base = format!("BASE={}", base.trim());
    let built = podman([
        "build",
        "-q",
        "--build-arg",
        &base,
        "--build-arg",
        "APP=examples/rails",
    ])
    .args(["-t", &name, "-f", "Dockerfile.example", "."])
    .current_dir(path)
    .output()
    .unwrap();
    text(built);
    // What an earlier run left without a name.
    text(podman(["image", "prune", "-f"]).output().unwrap());
    name
}

#[track_caller]
fn text(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn podman<const N: usize>(words: [&str; N]) -> Command {
    let mut command = Command::new(repository("scripts/podman"));
    command.args(words);
    command
}

/// A container, which is gone with this value.
struct Container {
    name: String,
    process: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Container {
    fn run(name: &str, options: &[&str], words: &[&str]) -> Container {
        let name = format!("entry-test-{name}-{}", std::process::id());
        let passphrase = format!("YAML_VAULT_PASSPHRASE={PASSPHRASE}");
        let mut process = podman([
            "run",
            "--rm",
            "--name",
            &name,
            "-e",
            &passphrase,
            "-e",
            "VAULT_CRYPTOR=simple",
            "-e",
            "ENTRY_LOG=json",
        ])
        .args(options)
        .arg(&*IMAGE)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        Container {
            name,
            process,
            stdout,
            stderr,
        }
    }

    fn finish(mut self) -> (Option<i32>, String, String) {
        let code = wait::exit(&mut self.process, &self.stderr).code();
        let said = |lines: &Lines| String::from_utf8_lossy(&lines.rest()).into_owned();
        (code, said(&self.stdout), said(&self.stderr))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = podman(["rm", "-f", "-i", &self.name]).output();
        let _ = self.process.wait();
    }
}

#[test]
fn the_example_image_serves_and_stops() {
    let port = free_port();
    let number = format!("PORT={port}");
    let web = Container::run(
        "web",
        &["-e", &number, "-e", "STOP_DRAIN=0s", "-e", "BIND=127.0.0.1"],
        &[],
    );
    web.stderr.wait_for("\"event\":\"start\"");
    wait::until("the server", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let get = |path: &str| {
        text(
            Command::new("curl")
                .args(["-sf", &format!("localhost:{port}{path}")])
                .output()
                .unwrap(),
        )
    };
    let secrets = get("/secrets");
    assert!(
        secrets.contains("secret_key_base: c***") && secrets.contains("absent"),
        "{secrets}"
    );
    assert_absent(CANARY, secrets.as_bytes(), "the page");
    assert!(text(podman(["stop", "-t", "30", &web.name]).output().unwrap()).contains("entry-test"));
    let (code, _, stderr) = web.finish();
    assert_eq!(code, Some(0), "{stderr}");
    let stop: serde_json::Value = stderr
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|line: &serde_json::Value| line["event"] == "stop")
        .unwrap();
    assert_eq!(stop["sent"][0]["signal"], "SIGQUIT");
    assert_eq!(stop["sender"], "outside the container");
}

#[test]
fn the_example_image_checks_itself_and_runs_one_offs_as_its_user() {
    let (code, stdout, stderr) = Container::run("check", &[], &["--check"]).finish();
    assert_eq!(
        (code, stdout.as_str()),
        (Some(0), "fine: rake, release, web, worker\n"),
        "{stderr}"
    );
    let (code, stdout, stderr) = Container::run(
        "oneoff",
        &[],
        &["--", "sh", "-c", "id -un; cat /dev/shm/entry/secrets.yml"],
    )
    .finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stdout,
        format!("app\nproduction:\n  secret_key_base: \"{CANARY}\"\n")
    );
    let (code, _, stderr) = Container::run(
        "rake",
        &["-e", "MIGRATION_SLEEP=0"],
        &["rake", "db:migrate"],
    )
    .finish();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn the_dockerfile_names_entry_and_nothing_in_between() {
    let text = std::fs::read_to_string(Path::new(&repository("Dockerfile.example"))).unwrap();
    assert!(text.contains("\nENTRYPOINT [\"/entry\"]\nCMD [\"web\"]\n"));
    for between in ["\nSTOPSIGNAL", "tini", "dumb-init"] {
        assert!(!text.contains(between), "{between}");
    }
}
