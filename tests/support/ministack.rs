//! ECS on this machine, with real containers: ministack as `scripts/local-ecs` runs it, which `scripts/setup`
//! installs. `tests/tools/ministack_ecs.py` corrects what a deployment would take amiss.
//!
//! What it does not do as ECS does, seen with 1.5.33 and podman 4.3:
//! - A deployment is done when as many tasks as desired have run for a second; then the older tasks are stopped, one
//!   after the other. Container health checks mean nothing, and target groups get no targets: so
//!   `scripts/task-runtime` lets a task run only once it serves.
//! - A task that fails is started again at once, and for ever without the circuit breaker.
//! - `StopTask` and a deployment kill five seconds after TERM, whatever `stopTimeout` says. The task is STOPPED with
//!   exit code 0 before its process ends.
//! - `clientToken` and a task definition's `entryPoint` mean nothing.
//! - `ListServiceDeployments`, `DescribeServiceDeployments` and `DescribeServiceRevisions` answer empty lists.
//! - No task has an address or a host port here.
//! - stdout and stderr are one stream of `CloudWatch` Logs, in order. The container is removed as soon as it has
//!   ended.

use super::http::free_port;
use super::lines::Lines;
use super::{repository, wait};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// What one look at a service costs is not asked for all the time.
const LOOK: Duration = Duration::from_millis(50);

/// Two tasks start, and two stop, on a machine that does much else.
const DEADLINE: Duration = Duration::from_mins(4);

/// It ends, with its containers, when this is dropped or when this process ends.
pub struct Ministack {
    process: Child,
    stdin: Option<ChildStdin>,
    folder: PathBuf,
    port: u16,
}

impl Ministack {
    /// With its files in a folder.
    pub fn start(folder: &Path) -> Ministack {
        let port = free_port();
        let mut process = Command::new(repository("scripts/local-ecs"))
            .arg(folder)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Lines::of(process.stdout.take().unwrap());
        let stdin = process.stdin.take();
        let ministack = Ministack {
            process,
            stdin,
            folder: folder.to_owned(),
            port,
        };
        lines.wait_for("ready");
        ministack
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where podman's API is.
    pub fn podman(&self) -> PathBuf {
        self.folder.join("podman.sock")
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Gives its ECR an image that podman has.
    pub fn push(&self, image: &str, repository_and_tag: &str) {
        let pushed = Command::new(repository("scripts/podman"))
            .args(["push", "-q", "--tls-verify=false", image])
            .arg(format!("docker://{}/{repository_and_tag}", self.address()))
            .output()
            .unwrap();
        assert!(pushed.status.success(), "{pushed:?}");
    }

    pub fn ecs(&self, operation: &str, request: &Value) -> Value {
        self.call("AmazonEC2ContainerServiceV20141113", operation, request)
    }

    /// A call as the AWS CLI would make it, which must succeed. Nobody checks the signature.
    #[track_caller]
    pub fn call(&self, target: &str, operation: &str, request: &Value) -> Value {
        let body = request.to_string();
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-amz-target: {target}.{operation}\r\n\
             content-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{operation} {request}: {answer}"
        );
        serde_json::from_str(body.unwrap()).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    pub fn service(&self, cluster: &str, name: &str) -> Value {
        let asked = json!({"cluster": cluster, "services": [name]});
        self.ecs("DescribeServices", &asked)["services"][0].clone()
    }

    /// The tasks of a cluster that are to run, or that were.
    pub fn tasks(&self, cluster: &str, status: &str) -> Vec<Value> {
        let asked = json!({"cluster": cluster, "desiredStatus": status});
        let arns = self.ecs("ListTasks", &asked)["taskArns"].clone();
        if arns == json!([]) {
            return Vec::new();
        }
        let asked = json!({"cluster": cluster, "tasks": arns});
        let told = self.ecs("DescribeTasks", &asked);
        told["tasks"].as_array().unwrap().clone()
    }

    /// All that the container `app` of a task said in the log group `/myapp`.
    pub fn said(&self, task: &Value) -> Vec<String> {
        let id = task.as_str().unwrap().rsplit('/').next().unwrap();
        let stream = format!("ecs/app/{id}");
        let asked =
            json!({"logGroupName": "/myapp", "logStreamName": stream, "startFromHead": true});
        let told = self.call("Logs_20140328", "GetLogEvents", &asked);
        let events = told["events"].as_array().unwrap();
        let messages = events.iter().map(|event| event["message"].as_str());
        messages.map(|text| text.unwrap().to_owned()).collect()
    }

    /// Waits for what only a look can tell.
    #[track_caller]
    pub fn until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        let log = self.folder.join("ministack.log");
        wait::until_within(
            DEADLINE,
            LOOK,
            &format!("{what}; see {}", log.display()),
            condition,
        )
    }

    /// Ends all that runs in a cluster.
    pub fn clear(&self, cluster: &str) {
        let asked = json!({"cluster": cluster});
        let services = self.ecs("ListServices", &asked)["serviceArns"].clone();
        for service in services.as_array().unwrap() {
            let asked = json!({"cluster": cluster, "service": service, "force": true});
            self.ecs("DeleteService", &asked);
        }
        for task in self.tasks(cluster, "RUNNING") {
            let asked = json!({"cluster": cluster, "task": task["taskArn"]});
            self.ecs("StopTask", &asked);
        }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}
