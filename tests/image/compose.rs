//! `examples/rails/compose.yaml` with the image of the tests: each service's words, variables and files as they
//! stand there, on the host's network, for these machines have no other and can pull no image.

use super::{Container, podman, text};
use crate::support::http;
use crate::support::moto::Moto;
use crate::support::redis::Redis;
use crate::support::{repository, wait};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const FILE: &str = "examples/rails/compose.yaml";

/// The file as JSON, its anchors resolved by a YAML reader that is not ours.
fn services() -> Value {
    let script =
        "require 'yaml'; require 'json'; puts YAML.load_file(ARGV[0], aliases: true).to_json";
    let read = Command::new("ruby")
        .args(["-e", script])
        .arg(repository(FILE))
        .output()
        .unwrap();
    let file: Value = serde_json::from_str(&text(read)).unwrap();
    file["services"].clone()
}

fn run(services: &Value, name: &str, others: &[(&str, &str)], more: &[String]) -> Container {
    let service = &services[name];
    let mut options = Vec::new();
    for (variable, value) in service["environment"].as_object().unwrap() {
        let mut value = value.as_str().unwrap().to_owned();
        for (host, here) in others {
            value = value.replace(host, here);
        }
        options.extend(["-e".to_owned(), format!("{variable}={value}")]);
    }
    for volume in service["volumes"].as_array().unwrap() {
        let volume = volume.as_str().unwrap().strip_prefix("./").unwrap();
        let volume = format!("{}/{volume}", repository("examples/rails").display());
        options.extend(["-v".to_owned(), volume]);
    }
    options.extend(more.iter().cloned());
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let words = service["command"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    Container::run(&format!("compose-{name}"), &options, &words)
}

#[test]
fn web_worker_redis_and_a_stand_in_for_aws() {
    let services = services();
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start(folder.path());
    let moto = Moto::start();
    let others = [
        ("redis://redis:6379", redis.url()),
        ("http://aws:4566", moto.url()),
    ];
    let others: Vec<(&str, &str)> = others
        .iter()
        .map(|(name, url)| (*name, url.as_ref()))
        .collect();
    let port = http::free_port();
    // The test's Redis listens on a socket, which the app's user is to reach.
    let socket = redis.url().replace("unix://", "");
    for path in [Path::new(&socket), folder.path()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let place = folder.path().display();
    let shared = [format!("-v{place}:{place}")];
    let mut more = vec![format!("-ePORT={port}"), "-eBIND=127.0.0.1".to_owned()];
    more.extend(shared.clone());
    let web = run(&services, "web", &others, &more);
    let worker = run(&services, "worker", &others, &shared);
    wait::until("web answers", || {
        matches!(http::get(port, "/up"), Ok((200, _))).then_some(())
    });
    let (_, secrets) = http::get(port, "/secrets").unwrap();
    assert!(secrets.contains("secret_key_base: n***"), "{secrets}");
    worker.stderr.wait_for("worker: started");
    for container in [&web, &worker] {
        let health = podman(["exec", &container.name, "/entry", "--health"])
            .output()
            .unwrap();
        let ended = container.stderr.so_far();
        assert!(
            health.status.success(),
            "{health:?}\n{ended}\n{}",
            container.stdout.so_far()
        );
        let health = text(health);
        assert!(health.starts_with("healthy: "), "{health}");
    }
    let posted = Command::new("curl")
        .args(["-sf", "-X", "POST"])
        .arg(format!("http://127.0.0.1:{port}/naps?s=0.1&marker=hello"))
        .output()
        .unwrap();
    text(posted);
    wait::until("the worker has done the job", || {
        let log = podman(["exec", &worker.name, "cat", "/app/tmp/naps.log"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&log.stdout)
            .contains("done hello")
            .then_some(())
    });
    for container in [web, worker] {
        text(
            podman(["stop", "-t", "30", &container.name])
                .output()
                .unwrap(),
        );
        let (code, _, stderr) = container.finish();
        assert_eq!(code, Some(0), "{stderr}");
    }
}
