//! Runs a page's examples as a reader would: one shell for the whole page, in a folder of its own.
//!
//! The shell has its own mounts and process ids, with an empty `/dev/shm` and a user `app`, so that the
//! examples can say what they would in a container; whatever it leaves running ends with it. As on a
//! terminal, entry's lines are text.

use super::autoscaled;
use crate::aws::store::make;
use crate::support::binary;
use crate::support::fake_http::FakeHttp;
use crate::support::google;
use crate::support::http;
use crate::support::lines::Lines;
use crate::support::moto::{self, Moto};
use crate::support::wait;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Stands before each command's number and status; no program prints it.
const MARK: char = '\u{1e}';

const PREPARE: &str = r#"
mount -t tmpfs none /dev/shm
cp /etc/passwd /dev/shm/passwd && echo 'app:x:901:901::/home/app:/bin/sh' >>/dev/shm/passwd
cp /etc/group /dev/shm/group && echo 'app:x:901:' >>/dev/shm/group
mount --bind /dev/shm/passwd /etc/passwd && mount --bind /dev/shm/group /etc/group
rm /dev/shm/passwd /dev/shm/group
exec bash --norc "$0"
"#;

/// What a reader types, or a file that the page shows.
pub enum Step {
    Type(String),
    File { path: String, text: String },
}

impl Step {
    fn needs_aws(&self) -> bool {
        let (Step::Type(text) | Step::File { text, .. }) = self;
        let words = ["aws-kms", "s3://", "entryctl plan", "autoscale plan"];
        words.iter().any(|word| text.contains(word))
    }

    fn needs_google(&self) -> bool {
        let (Step::Type(text) | Step::File { text, .. }) = self;
        text.contains("gcp-kms")
    }
}

/// AWS's stand-in, with the bucket, the object and the service of the pages.
fn stand_in() -> Moto {
    let moto = Moto::start();
    let ecs = |operation: &str, body: &Value| {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        make(&moto.url(), &target, body);
    };
    ecs("CreateCluster", &json!({"clusterName": "production"}));
    let container = json!({
        "name": "app", "image": "myapp:old", "memory": 1024,
        "portMappings": [{"containerPort": 3000}],
        "environment": [{"name": "RAILS_ENV", "value": "production"}],
    });
    let definition = json!({"family": "web", "containerDefinitions": [container]});
    ecs("RegisterTaskDefinition", &definition);
    let service = json!({
        "cluster": "production", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
        "launchType": "FARGATE",
    });
    ecs("CreateService", &service);
    autoscaled::make(&moto);
    http::put(moto.address(), "/myapp-production", b"");
    http::put(
        moto.address(),
        "/myapp-production/ca.pem",
        b"a certificate\n",
    );
    moto
}

/// Google's stand-in, with the key of the pages.
fn google() -> FakeHttp {
    let key = "projects/myapp/locations/global/keyRings/rails/cryptoKeys/production";
    FakeHttp::start(|request, number| google::answer(&[key], request, number))
}

/// What a command said, and its exit code.
pub struct Said {
    pub output: String,
    pub status: i32,
}

/// Runs the steps; one answer for each `Type`.
pub fn run(steps: &[Step]) -> Vec<Said> {
    let work = tempfile::tempdir().unwrap();
    let notes = tempfile::tempdir().unwrap();
    // The examples' user must be able to enter.
    fs::set_permissions(work.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let script = notes.path().join("script");
    fs::write(&script, write_script(steps, notes.path())).unwrap();
    // The real sops is beside moto, behind all programs of the machine.
    let path = format!(
        "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{}",
        binary("entry").parent().unwrap().display(),
        moto::python().parent().unwrap().display()
    );
    let aws = steps.iter().any(Step::needs_aws).then(stand_in);
    let mut command = Command::new("unshare");
    command.env_clear();
    if let Some(aws) = &aws {
        command.envs([
            ("AWS_ENDPOINT_URL", aws.url().as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIDREADER"),
            ("AWS_SECRET_ACCESS_KEY", "reader"),
            ("AWS_REGION", "us-east-1"),
        ]);
    }
    let google = steps.iter().any(Step::needs_google).then(google);
    if let Some(google) = &google {
        let url = google.url();
        command.env("GOOGLE_KMS_ENDPOINT", &url);
        command.env("GCE_METADATA_HOST", url.trim_start_matches("http://"));
    }
    let mut process = command
        .args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"])
        .args(["sh", "-ec", PREPARE])
        .arg(&script)
        .current_dir(work.path())
        .envs([
            ("PATH", path.as_str()),
            ("HOME", "/root"),
            ("LANG", "C.UTF-8"),
        ])
        .env("ENTRY_LOG", "text")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = Lines::of(process.stdout.take().unwrap());
    let stderr = Lines::of(process.stderr.take().unwrap());
    let status = wait::exit(&mut process, &stdout);
    let (stdout, stderr) = (stdout.rest(), stderr.rest());
    let all = String::from_utf8_lossy(&stdout);
    assert!(
        status.success(),
        "the shell ended with {status}: {}\n{all}",
        String::from_utf8_lossy(&stderr)
    );
    answers(&all)
}

/// Commands stand in files of their own: sourced, they share the shell and its `$?`.
fn write_script(steps: &[Step], notes: &Path) -> String {
    let mut script = String::from("exec 2>&1\nset -m\nstatus=0\n");
    for (number, step) in steps.iter().enumerate() {
        let note = notes.join(number.to_string());
        let shown = note.display();
        match step {
            Step::Type(command) => {
                fs::write(&note, command).unwrap();
                let _ = write!(
                    script,
                    "(exit $status); . {shown}\nstatus=$?; printf '{MARK}%d\\n' $status\n"
                );
            }
            Step::File { path, text } => {
                fs::write(&note, text).unwrap();
                let _ = writeln!(script, "mkdir -p $(dirname {path}) && cp {shown} {path}");
            }
        }
    }
    script + "exit 0\n"
}

fn answers(all: &str) -> Vec<Said> {
    let mut answers = Vec::new();
    let mut rest = all;
    while let Some((output, after)) = rest.split_once(MARK) {
        let (status, after) = after.split_once('\n').unwrap();
        answers.push(Said {
            output: output.to_owned(),
            status: status.parse().unwrap(),
        });
        rest = after;
    }
    answers
}
