//! The environment as the kernel gave it: every byte, malformed entries too.

use std::ffi::{CStr, CString};

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

/// Every entry, in order, as it came.
pub fn entries() -> Vec<CString> {
    let mut entries = Vec::new();
    each(|entry| {
        // SAFETY: entries of `environ` are NUL-terminated.
        entries.push(unsafe { CStr::from_ptr(entry) }.to_owned());
    });
    entries
}

/// Overwrites the value of a variable where the kernel put it, so that `/proc/PID/environ`, which
/// shows that memory, no longer tells it.
pub fn scrub(name: &[u8]) {
    each(|entry| {
        // SAFETY: the entry is NUL-terminated and lies on the writable initial stack (PID 1
        // never calls setenv); the walk ends at its NUL.
        unsafe {
            let bytes = CStr::from_ptr(entry).to_bytes();
            if bytes.get(name.len()) != Some(&b'=') || !bytes.starts_with(name) {
                return;
            }
            let mut at = entry.add(name.len() + 1);
            while *at != 0 {
                std::ptr::write_volatile(at, b'*'.cast_signed());
                at = at.add(1);
            }
        }
    });
}

/// Sets a variable of this process, for libraries that read it there.
pub fn set(name: &str, value: &str) {
    // SAFETY: the boot process, the only caller, has one thread.
    unsafe { std::env::set_var(name, value) };
}

fn each(mut visit: impl FnMut(*mut libc::c_char)) {
    // SAFETY: `environ` is null or an array that ends with a null; one thread, and nobody changes it.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            visit(*next);
            next = next.add(1);
        }
    }
}
