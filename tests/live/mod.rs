//! The example app in real containers, on an ECS on this machine. All tests share one and its images, and have it
//! one after the other.

mod command;
mod deploy;
mod emulator;
mod kill;

use crate::support::ministack::Ministack;
use crate::support::{binary, repository};
use serde_json::json;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub const REGISTRY: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com";

/// What is there for all tests.
pub struct Shared {
    pub ministack: Ministack,
    /// The repository with the commits of `scripts/example-commits`.
    pub repository: PathBuf,
}

impl Shared {
    fn start() -> Shared {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let app = folder.join("app");
        let made = Command::new(repository("scripts/example-commits"))
            .arg(binary("entry").parent().unwrap())
            .arg(&app)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let ministack = Ministack::start(&folder.join("ecs"));
        let ecr = "AmazonEC2ContainerRegistry_V20150921";
        let name = json!({"repositoryName": "myapp"});
        ministack.call(ecr, "CreateRepository", &name);
        let shared = Shared {
            ministack,
            repository: app,
        };
        for name in ["v1", "v2", "broken"] {
            let sha = shared.commit(name);
            let image = format!("{REGISTRY}/myapp:{sha}");
            shared.ministack.push(&image, &format!("myapp:{sha}"));
        }
        shared
    }

    /// The SHA1 of a tag.
    pub fn commit(&self, name: &str) -> String {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.repository);
        let told = git.args(["rev-parse", name]).output().unwrap();
        assert!(told.status.success(), "{told:?}");
        String::from_utf8(told.stdout).unwrap().trim().to_owned()
    }
}

/// The shared parts, for one test at a time, with a cluster of its own.
pub struct Bed {
    shared: &'static Shared,
    pub cluster: &'static str,
    /// Where the app keeps its database.
    pub data: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Bed {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        self.shared
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // The next test is to find the machine idle, after a failure too; a second panic would hide the first.
        let clear = || self.ministack.clear(self.cluster);
        let cleared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(clear));
        assert!(cleared.is_ok() || std::thread::panicking());
    }
}

pub fn bed(cluster: &'static str) -> Bed {
    static TURN: Mutex<()> = Mutex::new(());
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = SHARED.get_or_init(Shared::start);
    let named = json!({"clusterName": cluster});
    shared.ministack.ecs("CreateCluster", &named);
    let data = shared.repository.with_file_name(cluster);
    std::fs::create_dir(&data).unwrap();
    // The app's user has another number in the image.
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    Bed {
        shared,
        cluster,
        data,
        _turn: turn,
    }
}
