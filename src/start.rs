//! The first milliseconds: protect, fork, and go two ways.

use crate::boot;
use crate::exit::ENTRY_FAILED;
use crate::program::{Inherited, Table};
use crate::report::{Line, Report};
use crate::supervise::run::{Start, run};
use crate::sys::hold::InheritedMask;
use crate::sys::process::{Fork, exit, fork};
use crate::sys::terminal::Terminal;
use crate::sys::{exec, limits};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{getpgrp, pipe2};
use std::time::{Duration, Instant};

/// What `main` does once signals are held; returns the exit code.
///
/// The fork comes before anything is parsed or allocated, so that PID 1 stays as small as it is here.
pub fn start(mask: InheritedMask) -> u8 {
    let started = Instant::now();
    exec::fill_standard_streams();
    let core = limits::protect();
    if std::process::id() != 1 {
        // Orphans come to us as they would to PID 1. Not inherited by the app.
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }
    let failed = |what: &str, errno: nix::Error| {
        Report::open(Duration::ZERO).say(&Line::error(format!("{what}: {}", errno.desc())));
        ENTRY_FAILED
    };
    let (read, write) = match pipe2(OFlag::O_CLOEXEC) {
        Ok(ends) => ends,
        Err(errno) => return failed("pipe", errno),
    };
    let terminal = Terminal::ours();
    let inherited = Inherited {
        mask,
        core,
        // What runs in the background must not take it.
        terminal: terminal.filter(|terminal| terminal.is_held_by(getpgrp())),
    };
    // Where there is none, only a mode that needs it cannot start.
    let table = Table::create().ok();
    match fork() {
        Ok(Fork::Child) => {
            drop(read);
            exit(boot::boot(write, inherited, table, started))
        }
        Ok(Fork::Parent { child }) => {
            drop(write);
            let _ = fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
            let start = Start {
                main: child,
                pipe: read,
                started,
                inherited,
                terminal,
                table,
            };
            exit(run(start, Report::open(Duration::ZERO)))
        }
        Err(errno) => failed("fork", errno),
    }
}
