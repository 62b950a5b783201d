//! `entryctl` as somebody who deploys the example app runs it.

use super::{Bed, REGISTRY};
use crate::support::binary;
use std::process::{Command, Output};

/// What a command said, and its exit code.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: Output) -> Said {
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn ended(&self, code: i32) -> &Said {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert_eq!(self.code, Some(code), "{stdout}\n{stderr}");
        self
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Said {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert!(
            stdout.contains(text) || stderr.contains(text),
            "no {text}:\n{stdout}\n{stderr}"
        );
        self
    }
}

/// Where the app's deploy.yml is, against what stands at `url`.
pub fn command(bed: &Bed, url: &str, words: &[&str]) -> Command {
    let mut command = Command::new(binary("entryctl"));
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| name.as_encoded_bytes().starts_with(b"AWS_")) {
        command.env_remove(name);
    }
    command
        .args(words)
        .current_dir(bed.repository.join("examples/rails"))
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "somebody")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("REGISTRY", REGISTRY)
        .env("ROLES", "arn:aws:iam::000000000000:role")
        .env("SUBNET", "subnet-1")
        .env("SECURITY_GROUP", "sg-1")
        .env("DATA", &bed.data)
        .env_remove("SHA");
    command
}

pub fn entryctl(bed: &Bed, words: &[&str]) -> Said {
    let output = command(bed, &bed.ministack.url(), words).output();
    Said::of(output.unwrap())
}
