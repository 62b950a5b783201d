//! `entryctl sops`, run as a program: beside the real sops, and with moto's KMS.

mod cli;
mod kms;
mod real;

use crate::support::{binary, moto, repository};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder with files, and programs that run in it with no environment but what a test gives.
struct Place {
    folder: TempDir,
    env: Vec<(String, String)>,
}

fn vector(name: &str) -> String {
    std::fs::read_to_string(repository("tests/vectors/sops").join(name)).unwrap()
}

fn age_keys() -> String {
    let path = repository("tests/vectors/sops/age_keys.txt");
    path.to_str().unwrap().to_owned()
}

/// The recipient of the first key.
fn recipient() -> String {
    let keys = vector("age_keys.txt");
    let comment = keys.lines().next().unwrap();
    comment.strip_prefix("# public key: ").unwrap().to_owned()
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place {
            folder,
            env: Vec::new(),
        }
    }

    fn env(mut self, name: &str, value: impl Into<String>) -> Place {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Place {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn ctl(&self, args: &[&str]) -> Output {
        let args = [&["sops"], args].concat();
        self.command(&binary("entryctl"), &args).output().unwrap()
    }

    /// The real sops.
    fn sops(&self, args: &[&str]) -> Vec<u8> {
        let program = moto::python().with_file_name("sops");
        let output = self
            .command(&program, args)
            .output()
            .expect("sops (scripts/setup installs it)");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// Decrypts, wants success and silence on standard error, and gives standard output.
    #[track_caller]
    fn good(&self, args: &[&str]) -> Vec<u8> {
        let output = self.ctl(&[&["decrypt"], args].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(0), ""), "{args:?}");
        output.stdout
    }

    /// Decrypts, wants this exit code and nothing on standard output, and gives standard error.
    #[track_caller]
    fn bad(&self, code: i32, args: &[&str]) -> String {
        let output = self.ctl(&[&["decrypt"], args].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(code), 0),
            "{args:?}: {told}"
        );
        told
    }
}
