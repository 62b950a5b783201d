//! Giving back what a long life does not need.

use std::ffi::{c_int, c_void};

/// Drops the pages of the program file that this process has mapped, unchanged ones only. They stay in
/// the page cache and come back one by one when they are run again: what the start alone needed no
/// longer counts as ours.
pub fn release_program_pages() {
    // SAFETY: the callback below has the signature that dl_iterate_phdr asks for, and no data.
    unsafe { libc::dl_iterate_phdr(Some(release), std::ptr::null_mut()) };
}

unsafe extern "C" fn release(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: dl_iterate_phdr hands a valid description of a loaded object, whose headers stay mapped.
    let (base, headers) = unsafe {
        let info = &*info;
        (
            info.dlpi_addr,
            std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)),
        )
    };
    for header in headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0)
    {
        let start = (base + header.p_vaddr) & !4095;
        let length = base + header.p_vaddr + header.p_memsz - start;
        // SAFETY: a private mapping of a file that nobody can have written to: dropped pages read the same.
        unsafe {
            libc::madvise(
                start as *mut c_void,
                usize::try_from(length).unwrap_or(0),
                libc::MADV_DONTNEED,
            )
        };
    }
    0
}
