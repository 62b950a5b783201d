//! Runs the layer in a process of its own, since the SDK reads the environment of its process: this test
//! binary again, told to run nothing but `probe`.

use super::{query, store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entry::aws::{self, AwsError, Clients, CustomerKey, Get, Kind, Put, Settings, StaticKeys};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

/// A process to be run, at first without credentials, region, profile or metadata service.
pub struct Probe {
    command: Command,
    folder: tempfile::TempDir,
}

/// What it found.
pub struct Found {
    /// The result, or `{"error": {"kind": …, "text": …}}`.
    pub value: Value,
    /// All that the process printed.
    pub output: String,
}

impl Probe {
    pub fn new() -> Probe {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "aws::probe::probe", "--ignored", "--nocapture"])
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        Probe { command, folder }
    }

    /// With an access key and a region.
    pub fn keyed() -> Probe {
        Probe::new()
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
            .env("AWS_SESSION_TOKEN", "canary-session-token")
            .env("AWS_REGION", "us-east-1")
    }

    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Probe {
        self.command.env(name, value.as_ref());
        self
    }

    pub fn unset(mut self, name: &str) -> Probe {
        self.command.env_remove(name);
        self
    }

    pub fn file(self, path: &str, content: &str) -> Probe {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// With another `/etc/resolv.conf`.
    pub fn resolv_conf(self, content: &str) -> Probe {
        let probe = self.file("resolv.conf", content);
        let mut command = Command::new("unshare");
        let script = r#"mount --bind "$HOME/resolv.conf" /etc/resolv.conf && exec "$@""#;
        command.args(["--mount", "sh", "-c", script, "sh"]);
        command
            .arg(probe.command.get_program())
            .args(probe.command.get_args())
            .env_clear();
        for (name, value) in probe.command.get_envs() {
            command.env(name, value.unwrap());
        }
        Probe { command, ..probe }
    }

    pub fn path(&self, path: &str) -> String {
        self.folder.path().join(path).to_str().unwrap().to_owned()
    }

    /// Does what `order` says.
    pub fn run(mut self, order: &Value) -> Found {
        let answer = self.folder.path().join("answer.json");
        let done = self
            .command
            .env("PROBE_ORDER", order.to_string())
            .env("PROBE_ANSWER", &answer)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let output = text(&done.stdout) + &text(&done.stderr);
        assert!(done.status.success(), "{output}");
        let value = serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap();
        Found { value, output }
    }
}

impl Found {
    /// The error's kind and text, wherever it is.
    #[track_caller]
    pub fn error(&self) -> (String, String) {
        let error = &self.value["error"];
        let text = |member: &str| error[member].as_str().map(str::to_owned);
        text("kind")
            .zip(text("text"))
            .unwrap_or_else(|| panic!("no error: {}", self.value))
    }

    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.value["ms"].as_u64().unwrap())
    }
}

/// The other side.
#[test]
#[ignore = "is run by the other tests, in a process of its own"]
fn probe() {
    let order: Value = serde_json::from_str(&std::env::var("PROBE_ORDER").unwrap()).unwrap();
    if order["trace"] == true {
        let all = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
        all.with_ansi(false).init();
    }
    let start = Instant::now();
    let result = aws::runtime().unwrap().block_on(obey(&order, start));
    let mut value = result.unwrap_or_else(|error| json!({"error": shown(&error)}));
    value["ms"] = u64::try_from(start.elapsed().as_millis()).unwrap().into();
    std::fs::write(std::env::var_os("PROBE_ANSWER").unwrap(), value.to_string()).unwrap();
}

fn shown(error: &AwsError) -> Value {
    json!({"kind": format!("{:?}", error.kind), "text": error.to_string()})
}

async fn obey(order: &Value, start: Instant) -> Result<Value, AwsError> {
    let deadline = start + Duration::from_millis(order["deadline_ms"].as_u64().unwrap_or(60_000));
    let text = |member: &str| order[member].as_str().map(str::to_owned);
    let settings = Settings {
        region: text("region"),
        profile: text("profile"),
        keys: text("key").map(|key| StaticKeys {
            access_key_id: key,
            secret_access_key: "canary-option".to_owned().into(),
            session_token: None,
        }),
    };
    let clients = Clients::load(&settings, deadline).await?;
    let mut value = json!({"credentials": clients.credentials(), "region": clients.region()});
    if order["role"] == true {
        value["role"] = clients.role().await.into();
    }
    if let Some(ciphertexts) = order["decrypt"].as_array() {
        let ciphertexts = ciphertexts
            .iter()
            .map(|one| STANDARD.decode(one.as_str().unwrap()).unwrap().into());
        let in_flight = usize::try_from(order["in_flight"].as_u64().unwrap_or(32)).unwrap();
        let all = aws::decrypt_all(clients.kms(), ciphertexts.collect(), in_flight, deadline).await;
        let all = all.into_iter().map(|one| match one {
            Ok(plaintext) => String::from_utf8(plaintext.to_vec()).unwrap().into(),
            Err(error) => {
                if value["error"].is_null() && error.kind != Kind::NotTried {
                    value["error"] = shown(&error);
                }
                format!("{:?}", error.kind).into()
            }
        });
        value["decrypted"] = all.collect::<Vec<Value>>().into();
    }
    if let Some(plaintext) = text("encrypt") {
        let context = [("app".to_owned(), "test".to_owned())];
        let (kms, bytes) = (clients.kms(), plaintext.as_bytes());
        let sealed = kms
            .encrypt("alias/fixed", bytes, &context, deadline)
            .await?;
        let opened = kms.decrypt(None, &sealed, &context, deadline).await?;
        value["opened"] = String::from_utf8(opened.to_vec()).unwrap().into();
        value["other_context"] = match kms.decrypt(None, &sealed, &[], deadline).await {
            Ok(_) => "opened".into(),
            Err(error) => format!("{:?}", error.kind).into(),
        };
    }
    let customer_key = text("customer_key").and_then(|key| CustomerKey::new(key.as_bytes()));
    if let Some(body) = text("put") {
        let put = Put {
            bucket: "bucket".into(),
            key: "dir/file name".into(),
            body: body.into_bytes(),
            metadata: [("made-by".to_owned(), "probe".to_owned())].into(),
            customer_key: customer_key.clone(),
            only_if: None,
        };
        clients.s3().put(&put, deadline).await?;
    }
    if order["lease"] == true {
        value["steps"] = crate::state::moto::steps(clients.s3()).await.into();
    }
    if let Some(max_bytes) = order["get"].as_u64() {
        let get = Get {
            bucket: "bucket".into(),
            key: text("object").unwrap_or_else(|| "dir/file name".into()),
            version_id: text("version_id"),
            customer_key,
            max_bytes,
        };
        let mut sink = Vec::new();
        let info = clients.s3().get(&get, &mut sink, deadline).await?;
        value["object"] = String::from_utf8(sink).unwrap().into();
        value["checksum"] = info.checksum.into();
        value["metadata"] = json!(info.metadata);
    }
    store::obey(order, &clients, deadline, &mut value).await?;
    value["autoscale"] = crate::autoscale::moto::obey(order, &clients, deadline).await;
    value["calls"] = query::obey(order, &clients, deadline).await?;
    let counts = clients.counters().counts();
    value["kms_calls"] = counts.kms_calls.into();
    value["s3_calls"] = counts.s3_calls.into();
    value["ssm_calls"] = counts.ssm_calls.into();
    value["secrets_manager_calls"] = counts.secrets_manager_calls.into();
    value["retries"] = counts.retries.into();
    value["bytes"] = counts.bytes.into();
    Ok(value)
}
